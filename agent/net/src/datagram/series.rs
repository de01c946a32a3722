//! A short series of ICMP echoes: whether the destination answers, how fast, how evenly, and how many are lost.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use closedpath_core::failure::{Failure, Step};
use closedpath_core::observation::{Contact, Contacted, RoundTrips};
use tokio::net::UdpSocket;
use tokio::time::{sleep_until, timeout_at};

use super::icmp::{Token, closed, echo_request, is_closed, open_ping, read_echo_reply};
use crate::{classify, random};

/// Echoes of a series: enough to see that some are lost, and no flood.
const ECHOES: usize = 5;
/// From one to the next.
const SPACING: Duration = Duration::from_millis(100);
/// Where one was answered, the others are waited for so long after the last was sent.
const STRAGGLERS: Duration = Duration::from_secs(1);

/// Sends a series of echo requests to `to`. There is contact if any is answered; then also how the series went.
pub async fn icmp_ping(to: IpAddr, timeout: Duration) -> (Contact, Option<RoundTrips>) {
    let address = SocketAddr::new(to, 0);
    let socket = match open_ping(to, None) {
        Err(error) if is_closed(&error) => {
            return (Contact::Failed(closed(Step::Datagram, &error)), None);
        }
        Err(error) => return (Contact::Failed(classify::os_error(Step::Datagram, address, &error)), None),
        Ok(socket) => socket,
    };
    // What stands as the port is the echo's identifier.
    let local = socket.local_addr().ok().map(|local| SocketAddr::new(local.ip(), 0));
    match send(&socket, to, timeout).await {
        Err(failure) => (Contact::Failed(failure), None),
        Ok(answers) => {
            let took = answers.iter().flatten().next().copied().unwrap_or_default();
            (Contact::Made(Contacted { local, took }), RoundTrips::of(&answers))
        }
    }
}

/// The round-trip time of each echo that was answered; an error where none was.
async fn send(
    socket: &UdpSocket,
    to: IpAddr,
    limit: Duration,
) -> Result<[Option<Duration>; ECHOES], Failure> {
    let token: Token = random::bytes();
    let [high, low, ..] = token;
    let failed = |error: io::Error| {
        let address = SocketAddr::new(to, 0);
        classify::socket_error(Step::Datagram, socket, address, socket.local_addr().ok(), &error)
    };
    let begun = tokio::time::Instant::now();
    let mut sent: Vec<Instant> = Vec::with_capacity(ECHOES);
    let mut answers = [None; ECHOES];
    let mut buffer = [0; 2048];
    while answers.iter().any(Option::is_none) {
        let next = (sent.len() < ECHOES).then(|| begun + SPACING * u32::try_from(sent.len()).unwrap_or(0));
        let last = begun + SPACING * (ECHOES as u32 - 1);
        let answered = answers.iter().any(Option::is_some);
        let end = if answered { (begun + limit).min(last + STRAGGLERS) } else { begun + limit };
        let received = async { timeout_at(end, socket.recv(&mut buffer)).await };
        let due = async {
            match next {
                Some(next) => sleep_until(next).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = due => {
                let number = u16::try_from(sent.len() + 1).unwrap_or(u16::MAX);
                let request = echo_request(to.is_ipv6(), u16::from_be_bytes([high, low]), number, &token);
                sent.push(Instant::now());
                match socket.send(&request).await {
                    // A reply to an earlier one shows that there is a way: then this one is lost, and no more.
                    Err(error) if !answered => return Err(failed(error)),
                    Ok(_) | Err(_) => {}
                }
            }
            received = received => match received {
                Err(_) if answered => break,
                Err(_) => return Err(classify::silence(Step::Datagram, SocketAddr::new(to, 0), limit)),
                Ok(Err(error)) if !answered => return Err(failed(error)),
                Ok(Err(_)) => {}
                Ok(Ok(length)) => {
                    let number = read_echo_reply(&buffer[..length], to.is_ipv6(), token);
                    let place = number.and_then(|number| usize::from(number).checked_sub(1));
                    if let Some((place, sent)) = place.and_then(|place| Some((place, sent.get(place)?))) {
                        answers[place].get_or_insert(sent.elapsed());
                    }
                }
            },
        }
    }
    Ok(answers)
}
