//! The connections of one shard with all others, as timely gives them: its channels, and the wait for what comes in.

use super::ExchangeBroken;
use super::cluster_member::ClusterMember;
use std::ops::Range;
use std::time::Duration;
use timely::communication::allocator::Allocator;
use timely::communication::allocator::zero_copy::allocator::TcpBuilder;
use timely::communication::{Exchangeable, Pull, Push};

/// The longest time for which a shard sleeps without a look at the others of its process, one of which may have failed.
const SLEEP_MAX: Duration = Duration::from_millis(20);

/// The most and the least polls before a shard sleeps.
const POLLS: Range<u32> = 1..256;

/// The connections of one shard.
pub(super) struct ShardConnections {
    allocator: Allocator,
    polls: u32,
}

/// The two ends of a channel at one worker.
pub(super) struct ShardChannel<M> {
    /// By receiving worker.
    pub(super) to: Vec<Box<dyn Push<M>>>,
    pub(super) from: Box<dyn Pull<M>>,
}

impl ShardConnections {
    pub(super) fn new(builder: TcpBuilder) -> ShardConnections {
        ShardConnections { allocator: Allocator::Tcp(builder.build()), polls: POLLS.end }
    }

    /// Opens the channel with a number, which must be greater than those of all before. What others have sent through
    /// it already waits there.
    pub(super) fn channel<M: Exchangeable>(&mut self, number: usize) -> ShardChannel<M> {
        let (to, from) = self.allocator.allocate(number);
        ShardChannel { to, from }
    }

    /// Lets everything that was pushed leave.
    pub(super) fn release(&mut self) {
        self.allocator.release();
    }

    /// Polls the channels until `is_done`. A shard that waits for long sleeps until something comes in.
    pub(super) fn poll(
        &mut self,
        member: &ClusterMember,
        mut is_done: impl FnMut() -> Result<bool, ExchangeBroken>,
    ) -> Result<(), ExchangeBroken> {
        let ShardConnections { allocator, polls: polls_max } = self;
        let mut polls = 0;
        loop {
            allocator.receive();
            allocator.events().borrow_mut().clear();
            if is_done()? {
                allocator.release();
                // Where waits are short, a sleep would cost more than they do.
                *polls_max = if polls <= *polls_max { polls_max.saturating_mul(2) } else { *polls_max / 2 };
                *polls_max = (*polls_max).clamp(POLLS.start, POLLS.end);
                return Ok(());
            }
            if member.broken.is_raised() {
                return Err(ExchangeBroken);
            }
            polls += 1;
            if polls > *polls_max {
                allocator.await_events(Some(SLEEP_MAX));
            } else {
                std::hint::spin_loop();
            }
        }
    }
}
