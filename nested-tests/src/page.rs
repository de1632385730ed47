//! A page on loopback for a browser that is played, and what it says of that.

use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A browser opens connections that it doesn't use; others wait for them no longer than this.
const SILENCE: Duration = Duration::from_millis(200);

/// A served page. Dropping it ends the serving.
pub struct Page {
    address: SocketAddr,
    said: Receiver<String>,
    heard: Vec<String>,
    end: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Page {
    /// Serves `html`, whose script tells by `fetch('/say', {method: 'POST', body})`.
    pub fn serve(html: &'static str) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let (sender, said) = mpsc::channel();
        let end = Arc::new(AtomicBool::new(false));
        let ends = end.clone();
        let thread = std::thread::Builder::new().name("page".into()).spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if ends.load(Ordering::Relaxed) {
                    break;
                }
                // A browser that goes away or is silent is none of the test's business.
                let _ = answer(&stream, html, &sender);
            }
        })?;
        Ok(Self {
            address,
            said,
            heard: Vec::new(),
            end,
            thread: Some(thread),
        })
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Waits until it says just this, or takes it from what it has said meanwhile.
    pub fn until_said(&mut self, patience: Duration, what: &str) -> Result<()> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(at) = self.heard.iter().position(|said| said == what) {
                self.heard.remove(at);
                return Ok(());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.said.recv_timeout(left) {
                Ok(said) => self.heard.push(said),
                Err(_) => bail!("the page doesn't say {what:?} within {patience:?} but {:?}", self.heard),
            }
        }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        // Wakes it.
        if TcpStream::connect(self.address).is_ok()
            && let Some(thread) = self.thread.take()
        {
            let _ = thread.join();
        }
    }
}

/// One request, HTTP/1.0 in all that matters.
fn answer(mut stream: &TcpStream, html: &str, said: &Sender<String>) -> Result<()> {
    stream.set_read_timeout(Some(SILENCE))?;
    let mut reader = BufReader::new(stream);
    let mut request = String::new();
    reader.read_line(&mut request)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().context("no length")?;
        }
    }
    let (status, content) = match request.split(' ').nth(1) {
        Some("/") => ("200 OK", html),
        Some("/say") => {
            let mut body = String::new();
            reader.take(length).read_to_string(&mut body)?;
            // The test may have all it wants.
            let _ = said.send(body);
            ("204 No Content", "")
        }
        _ => ("404 Not Found", ""),
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{content}",
        content.len()
    )?;
    Ok(())
}
