//! All integration tests that leave the process as it is, in one binary: a module per behaviour.

mod agreement;
mod command;
mod ends;
mod layers;
mod network;
mod outcome;
mod real_sockets;
mod support;
mod theory;
mod usage;
mod virtual_time;
