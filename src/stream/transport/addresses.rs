//! Where we listen and by which names we are reached: binds UDP and TCP on one port number, lists the machine's
//! own addresses for the URLs, and knows which origins are ours.

use anyhow::{Context, Result, bail};
use goggles_protocols::auth;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};

/// How often a free port is looked for that is free on both protocols, when port 0 was asked for.
const PORT_TRIES: usize = 64;

/// One address of `--stream`, bound: the same port over UDP (QUIC) and TCP (HTTPS).
#[derive(Debug)]
pub struct Bound {
    /// With the real port.
    pub addr: SocketAddr,
    /// For QUIC; non-blocking.
    pub udp: UdpSocket,
    /// For HTTPS; listening, non-blocking.
    pub tcp: TcpListener,
}

impl Bound {
    /// Binds both protocols of `addr`; port 0 means one that is free on both.
    ///
    /// # Errors
    /// The port is in use, the address is not this machine's, or the port needs privileges; the message says which.
    pub fn new(addr: SocketAddr) -> Result<Self> {
        let mut tries = if addr.port() == 0 { PORT_TRIES } else { 1 };
        loop {
            tries -= 1;
            let udp = UdpSocket::bind(addr).with_context(|| explain("UDP", addr))?;
            let addr = udp.local_addr().context("error reading the UDP socket's address")?;
            match TcpListener::bind(addr) {
                // Somebody has this port over TCP only; the kernel chose it, so let it choose again.
                Err(e) if e.kind() == std::io::ErrorKind::AddrInUse && tries > 0 => continue,
                tcp => {
                    let tcp = tcp.with_context(|| explain("TCP", addr))?;
                    udp.set_nonblocking(true).context("error setting up the UDP socket")?;
                    tcp.set_nonblocking(true).context("error setting up the TCP socket")?;
                    return Ok(Self { addr, udp, tcp });
                }
            }
        }
    }

    /// Binds all of `--stream`.
    ///
    /// # Errors
    /// As [`Bound::new`]; or no address at all.
    pub fn all(listen: &[SocketAddr]) -> Result<Vec<Self>> {
        if listen.is_empty() {
            bail!("--stream: no address to listen on");
        }
        listen.iter().map(|addr| Self::new(*addr)).collect()
    }
}

fn explain(protocol: &str, addr: SocketAddr) -> String {
    format!(
        "--stream {addr}: cannot listen on {protocol} port {} of {}",
        addr.port(),
        addr.ip()
    )
}

/// The names and addresses we are reached by.
#[derive(Clone, Debug)]
pub struct Names {
    listen: Vec<SocketAddr>,
    hosts: BTreeSet<String>,
    addresses: BTreeSet<IpAddr>,
}

impl Names {
    /// Of these listening addresses; a wildcard stands for each of the machine's addresses.
    pub fn new(listen: Vec<SocketAddr>) -> Self {
        let mut addresses = BTreeSet::from([Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
        let mut hosts = BTreeSet::from(["localhost".to_owned()]);
        for addr in &listen {
            if addr.ip().is_unspecified() {
                addresses.extend(machine_addresses());
                if let Ok(name) = std::fs::read_to_string("/proc/sys/kernel/hostname") {
                    let name = name.trim().to_ascii_lowercase();
                    if is_host_name(&name) {
                        hosts.insert(format!("{name}.local"));
                        hosts.insert(name);
                    }
                }
            } else {
                addresses.insert(addr.ip());
            }
        }
        Self {
            listen,
            hosts,
            addresses,
        }
    }

    /// For the certificate's subject alternative names.
    pub fn subject_alt_names(&self) -> Vec<String> {
        self.hosts
            .iter()
            .cloned()
            .chain(self.addresses.iter().map(ToString::to_string))
            .collect()
    }

    /// The page's addresses for people, without the fragment. Loopback is served over plain HTTP, which browsers
    /// treat as a secure context there, so that no certificate warning appears.
    pub fn pages(&self) -> Vec<String> {
        let mut pages = Vec::new();
        for addr in &self.listen {
            if !addr.ip().is_unspecified() {
                let scheme = if addr.ip().is_loopback() { "http" } else { "https" };
                pages.push(format!("{scheme}://{addr}/"));
                continue;
            }
            let same_family = |ip: &&IpAddr| addr.is_ipv6() || ip.is_ipv4();
            let public = self.addresses.iter().filter(same_family).filter(|ip| !ip.is_loopback());
            pages.extend(public.map(|ip| format!("https://{}/", SocketAddr::new(*ip, addr.port()))));
            pages.push(format!(
                "http://{}/",
                SocketAddr::new(Ipv4Addr::LOCALHOST.into(), addr.port())
            ));
        }
        pages
    }

    /// The page's addresses with a token in the fragment, which browsers don't send to anybody.
    pub fn urls(&self, token: &auth::Token) -> Vec<String> {
        let token = auth::token_text(token);
        self.pages()
            .into_iter()
            .map(|page| format!("{page}#token={token}"))
            .collect()
    }

    /// Whether an `Origin` header names a page of ours.
    pub fn is_our_origin(&self, origin: &str) -> bool {
        let Some((scheme, authority)) = origin.split_once("://") else {
            return false;
        };
        let default_port = match scheme {
            "https" => 443,
            "http" => 80,
            _ => return false,
        };
        let (host, port) = split_authority(authority, default_port);
        let Some(port) = port else { return false };
        if !self.listen.iter().any(|addr| addr.port() == port) {
            return false;
        }
        match host.parse::<IpAddr>() {
            Ok(ip) => self.addresses.contains(&ip),
            Err(_) => self.hosts.contains(&host.to_ascii_lowercase()),
        }
    }
}

/// Host without brackets, and port; `None` for a port that is no number.
fn split_authority(authority: &str, default_port: u16) -> (&str, Option<u16>) {
    let port_of = |rest: &str| match rest.strip_prefix(':') {
        Some(port) => port.parse().ok(),
        None if rest.is_empty() => Some(default_port),
        None => None,
    };
    if let Some((host, rest)) = authority.strip_prefix('[').and_then(|a| a.split_once(']')) {
        return (host, port_of(rest));
    }
    let at = authority.find(':').unwrap_or(authority.len());
    (&authority[..at], port_of(&authority[at..]))
}

fn is_host_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
}

/// The addresses of this machine's interfaces that are up, link-local IPv6 left out (a URL can't name the scope).
fn machine_addresses() -> Vec<IpAddr> {
    let mut list = std::ptr::null_mut();
    // SAFETY: `list` is a valid place for the result; it is freed below exactly once if the call succeeded.
    if unsafe { libc::getifaddrs(&mut list) } != 0 {
        tracing::warn!(
            "cannot list this machine's addresses: {}",
            std::io::Error::last_os_error()
        );
        return Vec::new();
    }
    let mut addresses = Vec::new();
    let mut entry = list;
    while !entry.is_null() {
        // SAFETY: `entry` is `list` or an `ifa_next` of it, not null, and the list has not been freed.
        let interface = unsafe { &*entry };
        if interface.ifa_flags & libc::IFF_UP as u32 != 0 {
            // SAFETY: `ifa_addr` is null or points to a socket address of the size its family says.
            addresses.extend(unsafe { ip_of(interface.ifa_addr) });
        }
        entry = interface.ifa_next;
    }
    // SAFETY: `list` came from a successful `getifaddrs`, and nothing borrows from it any more.
    unsafe { libc::freeifaddrs(list) };
    addresses
}

/// # Safety
/// `addr` is null or points to a socket address of the size its family says.
unsafe fn ip_of(addr: *const libc::sockaddr) -> Option<IpAddr> {
    if addr.is_null() {
        return None;
    }
    // SAFETY: not null, and each cast is to the type that the family says is there.
    unsafe {
        match i32::from((*addr).sa_family) {
            libc::AF_INET => {
                let raw = (*addr.cast::<libc::sockaddr_in>()).sin_addr.s_addr;
                Some(Ipv4Addr::from(u32::from_be(raw)).into())
            }
            libc::AF_INET6 => {
                let ip = Ipv6Addr::from((*addr.cast::<libc::sockaddr_in6>()).sin6_addr.s6_addr);
                (!ip.is_unicast_link_local()).then_some(ip.into())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(listen: &[&str]) -> Names {
        Names::new(listen.iter().map(|a| a.parse().unwrap()).collect())
    }

    #[test]
    fn port_zero_is_one_port_on_both_protocols() {
        let bound = Bound::new("127.0.0.1:0".parse().unwrap()).unwrap();
        assert_ne!(bound.addr.port(), 0);
        assert_eq!(bound.udp.local_addr().unwrap(), bound.tcp.local_addr().unwrap());
    }

    #[test]
    fn a_port_in_use_is_named_in_the_error() {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = tcp.local_addr().unwrap();
        let error = format!("{:#}", Bound::new(addr).unwrap_err());
        assert!(error.contains(&addr.to_string()) && error.contains("TCP"), "{error}");

        let first = Bound::new("127.0.0.1:0".parse().unwrap()).unwrap();
        let error = format!("{:#}", Bound::new(first.addr).unwrap_err());
        assert!(
            error.contains(&first.addr.to_string()) && error.contains("UDP"),
            "{error}"
        );
        assert!(Bound::all(&[]).is_err());
        // TEST-NET-1 belongs to nobody.
        assert!(Bound::new("192.0.2.1:0".parse().unwrap()).is_err());
    }

    #[test]
    fn origins() {
        let names = names(&["127.0.0.1:4433", "192.0.2.7:4434"]);
        for ours in [
            "http://127.0.0.1:4433",
            "https://localhost:4433",
            "https://LOCALHOST:4434",
            "http://[::1]:4433",
            "https://192.0.2.7:4434",
        ] {
            assert!(names.is_our_origin(ours), "{ours}");
        }
        for foreign in [
            "https://evil.example:4433",
            "https://127.0.0.1:4435",
            "https://127.0.0.1",
            "https://127.0.0.1:4433x",
            "https://127.0.0.1:",
            "ftp://127.0.0.1:4433",
            "https://localhost.evil.example:4433",
            "https://user@localhost:4433",
            "null",
            "",
            "https://[::1",
        ] {
            assert!(!names.is_our_origin(foreign), "{foreign}");
        }
    }

    #[test]
    fn pages_use_http_only_on_loopback() {
        assert_eq!(names(&["127.0.0.1:1"]).pages(), ["http://127.0.0.1:1/"]);
        assert_eq!(names(&["[::1]:1"]).pages(), ["http://[::1]:1/"]);
        assert_eq!(names(&["192.0.2.7:1"]).pages(), ["https://192.0.2.7:1/"]);
        let all = names(&["0.0.0.0:1"]).pages();
        assert!(all.contains(&"http://127.0.0.1:1/".to_owned()), "{all:?}");
        assert!(!all.iter().any(|p| p.contains("0.0.0.0")), "{all:?}");
    }
}
