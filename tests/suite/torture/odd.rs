//! Servers that no real server would be.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use closedpath_lab::torture::Stage;

/// Starts all of them; they end with the process.
pub fn start(stage: &Stage) {
    for (at, serve) in [
        ("203.0.113.30:443", reset as fn(TcpStream)),
        ("203.0.113.31:443", banner),
        ("203.0.113.71:80", endless),
        ("203.0.113.72:80", slow_loris),
        ("203.0.113.73:80", silent),
        ("203.0.113.73:443", silent),
        ("203.0.113.74:80", reset),
    ] {
        let listener: TcpListener = stage.listen(at.parse().expect("an address")).expect("a port");
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(move || serve(stream));
            }
        });
    }
}

/// To close a socket that holds unread bytes resets the connection.
fn reset(stream: TcpStream) {
    let _ = stream.peek(&mut [0]);
    drop(stream);
}

fn banner(mut stream: TcpStream) {
    let _ = stream.write_all(b"220 mail.torture.example ESMTP\r\n");
    silent(stream);
}

fn silent(mut stream: TcpStream) {
    let mut buffer = [0; 1024];
    while stream.read(&mut buffer).is_ok_and(|count| count > 0) {}
}

fn endless(mut stream: TcpStream) {
    let _ = stream.read(&mut [0; 4096]);
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    while stream.write_all(&[0x30; 65_536]).is_ok() {}
}

/// A byte each time the other side has waited in vain.
fn slow_loris(mut stream: TcpStream) {
    let _ = stream.read(&mut [0; 4096]);
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    let _ = stream.set_read_timeout(Some(Duration::from_millis(100)));
    while stream.write_all(b"0").is_ok() {
        if stream.read(&mut [0]).is_ok() {
            break;
        }
    }
}
