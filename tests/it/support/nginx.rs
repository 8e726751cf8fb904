//! nginx in front of a relay, as `docs/deploy/nginx.conf` configures it.

use std::fs;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::content::certificate;

/// The main configuration. It compresses, as Debian's does.
const MAIN: &str = "\
daemon off;
worker_processes 2;
pid DIRECTORY/pid;
error_log DIRECTORY/error.log warn;
events { worker_connections 768; }
http {
    access_log DIRECTORY/access.log;
    gzip on;
    client_body_temp_path DIRECTORY/disk;
    proxy_temp_path DIRECTORY/disk;
    fastcgi_temp_path DIRECTORY/unused;
    uwsgi_temp_path DIRECTORY/unused;
    scgi_temp_path DIRECTORY/unused;
    include DIRECTORY/site;
}
";

/// The addresses of an nginx that does not run yet. Its sockets listen already, so no connection is refused.
pub(crate) struct Front {
    https: TcpListener,
    http: TcpListener,
    base: &'static str,
}

impl Front {
    /// Free ports of `ip`, for a relay below `base`, which is empty or begins with a slash.
    pub(crate) fn listen(ip: IpAddr, base: &'static str) -> Self {
        let [https, http] = [(), ()].map(|()| {
            let listener = TcpListener::bind((ip, 0)).unwrap();
            // nginx leaves inherited sockets as they are.
            listener.set_nonblocking(true).unwrap();
            listener
        });
        Self { https, http, base }
    }

    /// The address of the relay for clients.
    pub(crate) fn url(&self) -> String {
        format!("https://{}{}", self.https.local_addr().unwrap(), self.base)
    }

    /// The address of the relay for clients that use plain HTTP; see [`Front::start_plain`].
    pub(crate) fn plain_url(&self) -> String {
        format!("http://{}{}", self.https.local_addr().unwrap(), self.base)
    }

    /// Starts nginx in front of a relay that listens on `relay`.
    pub(crate) fn start(self, relay: SocketAddr) -> Nginx {
        self.start_with(relay, "", "")
    }

    /// The same without TLS, for browsers of engines that cannot be given a certificate.
    pub(crate) fn start_plain(self, relay: SocketAddr, server: &str, location: &str) -> Nginx {
        self.start_site(relay, server, location, |site| {
            let is_tls = |line: &&str| line.trim_start().starts_with("ssl_");
            let lines = site.lines().filter(|line| !is_tls(line)).collect::<Vec<_>>().join("\n");
            lines.replace(" ssl http2;", ";")
        })
    }

    /// The same with more directives for the server, and for the location of the relay.
    pub(crate) fn start_with(self, relay: SocketAddr, server: &str, location: &str) -> Nginx {
        self.start_site(relay, server, location, |site| site)
    }

    /// The same with directives beside the server, and for the location of the relay.
    pub(crate) fn start_mapped(self, relay: SocketAddr, map: &str, location: &str) -> Nginx {
        self.start_site(relay, "", location, |site| format!("{map}\n{site}"))
    }

    /// The same with one version of TLS, and directives for the server.
    pub(crate) fn start_speaking(self, version: &str, relay: SocketAddr, server: &str) -> Nginx {
        self.start_site(relay, server, "", |site| site.replace("TLSv1.2 TLSv1.3", version))
    }

    fn start_site(
        self,
        relay: SocketAddr,
        server: &str,
        location: &str,
        change: impl FnOnce(String) -> String,
    ) -> Nginx {
        let (directory, url) = (TempDir::new().unwrap(), self.url());
        let plain = format!("http://{}", self.http.local_addr().unwrap());
        let [https, http] = [&self.https, &self.http].map(|socket| socket.local_addr().unwrap());
        let [chain, key] = ["good", "key"].map(|name| certificate(name).display().to_string());
        let mut site =
            fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/deploy/nginx.conf")).unwrap();
        for (example, here) in [
            ("listen 80;", format!("listen {http};")),
            ("listen [::]:80;", String::new()),
            ("listen 443 ssl http2;", format!("listen {https} ssl http2;")),
            ("listen [::]:443 ssl http2;", String::new()),
            ("/etc/ssl/relay.example/fullchain.pem", chain),
            ("/etc/ssl/relay.example/privkey.pem", key),
            ("http://127.0.0.1:4080;", format!("http://{relay};")),
            ("\n    location / {", format!("\n    {server}\n    location {}/ {{\n        {location}", self.base)),
        ] {
            assert_eq!(site.matches(example).count(), 1, "{example}");
            site = site.replace(example, &here);
        }
        let path = directory.path().display().to_string();
        // The log of the configuration, and one that has more.
        let errors = "error_log /var/log/nginx/share.log crit;";
        assert_eq!(site.matches(errors).count(), 2);
        let logs = format!("error_log {path}/error.log warn; error_log {path}/share.log crit;");
        site = site.replace(errors, &logs);
        fs::write(directory.path().join("site"), change(site)).unwrap();
        fs::write(directory.path().join("main"), MAIN.replace("DIRECTORY", &path)).unwrap();
        // Not as root, who would have to change the user for the workers.
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-user=1000", "nginx", "-p", &path, "-c", &format!("{path}/main")]);
        // nginx takes sockets over from a process that names them in this variable.
        command.env("NGINX", "0;1;");
        command.stdin(Stdio::from(OwnedFd::from(self.https))).stdout(Stdio::from(OwnedFd::from(self.http)));
        let log = fs::File::create(directory.path().join("stderr")).unwrap();
        Nginx { url, plain, child: command.stderr(log).spawn().unwrap(), directory }
    }
}

/// A running nginx. It must not have written a body to its disk when it is dropped.
pub(crate) struct Nginx {
    /// The address of the relay for clients.
    pub(crate) url: String,
    /// The address of plain HTTP, which only redirects.
    pub(crate) plain: String,
    child: Child,
    directory: TempDir,
}

impl Nginx {
    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.directory.path().join(name)).unwrap_or_default()
    }

    /// All errors and warnings.
    pub(crate) fn log(&self) -> String {
        format!("{}{}", self.read("stderr"), self.read("error.log"))
    }

    /// The log of errors that the configuration sets.
    pub(crate) fn site_log(&self) -> String {
        self.read("share.log")
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // SIGTERM ends its workers too.
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let _ = self.child.wait();
        let log = self.log();
        if std::thread::panicking() {
            eprintln!("{log}");
        } else {
            for wrong in ["temporary file", "[emerg]", "[alert]", "[crit]"] {
                assert!(!log.contains(wrong), "{log}");
            }
        }
    }
}
