//! All integration tests that leave the process unchanged, in one binary: a module per behaviour.

mod access_links;
mod agreement;
mod bitcoin_relay;
mod bulk;
#[cfg(all(feature = "cluster", unix))]
mod cluster;
mod command;
mod compare;
mod detection;
mod edge_lists;
mod emulator;
mod ends;
#[cfg(unix)]
mod files;
mod gossipsub;
mod hyparview;
mod knee;
mod layers;
mod ledger;
mod links;
mod manual;
#[cfg(target_os = "linux")]
mod memory;
mod mix;
mod network;
mod notices;
mod ordered;
mod outcome;
mod outputs;
mod own_protocol;
mod places;
mod plumtree;
#[cfg(all(target_os = "linux", not(portable)))]
mod processes;
mod protocols;
mod publications;
mod push_family;
mod real_sockets;
mod reference;
mod repeats;
mod replicates;
mod reproduce;
#[cfg(target_os = "linux")]
mod signals;
mod sizes;
mod support;
mod swim;
mod terminal;
mod theory;
#[cfg(target_os = "linux")]
mod threads;
mod times;
#[cfg(unix)]
mod trace;
mod turbine;
mod until;
mod usage;
mod validate;
mod virtual_time;
mod window;

#[cfg(all(feature = "cluster", target_os = "linux", not(portable)))]
mod cluster_ends;
