//! One thread that starts every child process.
//!
//! A parent-death signal follows the *thread* that forked. Tests end their threads while a lab may live on, so
//! the children are forked by a thread that lasts as long as the process: they die with it, crash or not.

use std::io;
use std::process::{Child, Command};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};

type Order = (Command, Sender<io::Result<Child>>);

/// Starts `command` from the long-lived thread.
pub(crate) fn spawn(command: Command) -> io::Result<Child> {
    static NURSERY: OnceLock<Sender<Order>> = OnceLock::new();
    let nursery = NURSERY.get_or_init(|| {
        let (sender, orders) = channel::<Order>();
        std::thread::spawn(move || {
            for (mut command, reply) in orders {
                // The one who asked may be gone; then the child has no owner and must not stay.
                if let Err(unwanted) = reply.send(command.spawn())
                    && let Ok(mut child) = unwanted.0
                {
                    let _ = child.kill();
                    let _ = child.wait();
                }
            }
        });
        sender
    });
    let (reply, answer) = channel();
    nursery
        .send((command, reply))
        .map_err(|_| io::Error::other("the thread that starts processes has ended"))?;
    answer.recv().map_err(|_| io::Error::other("the thread that starts processes has ended"))?
}
