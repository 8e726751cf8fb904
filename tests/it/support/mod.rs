//! Shared tools of the tests. Tests do not import each other.

mod acme;
#[cfg(unix)]
pub(crate) mod admin;
mod browsers;
mod bucket;
#[cfg(unix)]
mod bus;
mod clock;
mod content;
mod crowd;
#[cfg(unix)]
mod desktop;
#[cfg(target_os = "linux")]
mod disk;
pub(crate) mod drafts;
mod engines;
mod gestures;
mod handing;
mod host;
#[cfg(target_os = "linux")]
mod hosts;
#[cfg(target_os = "linux")]
mod limited;
mod line;
mod media;
mod misbehaving;
mod modes;
#[cfg(unix)]
mod nginx;
mod observed;
mod operator;
mod planted;
mod proxy;
pub(crate) mod raw;
mod relays;
mod s3;
mod sample;
mod sandbox;
mod settle;
mod showing;
mod slow;
mod socks;
mod stage;
mod store;
mod tally;
#[cfg(target_os = "linux")]
mod terminal;
mod time_limit;
#[cfg(target_os = "linux")]
mod tracer;
mod world;

pub(crate) use self::acme::{
    Asked, Fronted, Interference, LIFETIME, Pebble, Reply, UNKNOWN, authority, free_port, refused,
};
pub(crate) use self::browsers::{Browser, CLIP, DRIVEN, Engine, PHOTO, ROOT, Tab, WORKSHOP, has};
pub(crate) use self::bucket::{data, expect_no_data, node, relay_over_bucket, settle_bucket};
#[cfg(unix)]
pub(crate) use self::bus::Bus;
pub(crate) use self::clock::TestClock;
pub(crate) use self::content::{certificate, contains, folder_url, forms, noise, photo};
pub(crate) use self::crowd::{Crowd, Held, Seen, open_sockets, peak_memory, upload};
#[cfg(unix)]
pub(crate) use self::desktop::{Screen, Tmux, programs};
#[cfg(target_os = "linux")]
pub(crate) use self::disk::with_a_small_disk;
pub(crate) use self::engines::in_every_engine;
pub(crate) use self::gestures::Accessible;
pub(crate) use self::host::Host;
#[cfg(target_os = "linux")]
pub(crate) use self::hosts::{HostName, among_hosts, relay_among_hosts};
#[cfg(target_os = "linux")]
pub(crate) use self::limited::Limited;
pub(crate) use self::line::{Line, LineFault, Unreliable};
pub(crate) use self::media::{cleaned, corpus, decoded, pixels, segment};
pub(crate) use self::misbehaving::{Misbehaving, Misbehavior};
pub(crate) use self::modes::{expect_mode, set_mode};
#[cfg(unix)]
pub(crate) use self::nginx::{Front, Nginx};
pub(crate) use self::observed::Observed;
pub(crate) use self::operator::OperatedRelay;
pub(crate) use self::planted::{planted, planted_with};
pub(crate) use self::proxy::{Proxy, answering, answering_for};
pub(crate) use self::relays::{BEHIND_NGINX, START, TestRelay, client_of, served};
pub(crate) use self::s3::{BucketFault, Denial, TestS3, kill};
pub(crate) use self::sample::Sample;
pub(crate) use self::sandbox::{Ended, RelayProcess, Run, Running, SHARE, Sandbox, files, slashed};
pub(crate) use self::settle::{POLICY, is_data, node_over, operated, operated_for, settle};
pub(crate) use self::showing::{encoded, gradient, picture, send, state, status};
pub(crate) use self::slow::Slow;
pub(crate) use self::socks::{Socks, SocksReply};
pub(crate) use self::stage::{Stage, events};
pub(crate) use self::store::{Counts, FAULTS, Fault, Faults, Faulty, Kind, Op};
pub(crate) use self::tally::Tally;
#[cfg(target_os = "linux")]
pub(crate) use self::terminal::{Activity, COLUMNS, Conversation, Image, Kind as TerminalKind, ROWS, SIXEL, Tty, open};
pub(crate) use self::time_limit::{TIME_LIMIT, skip};
#[cfg(target_os = "linux")]
pub(crate) use self::tracer::{CHANGES, Traced, changes, changes_in, killed_at, traced};
pub(crate) use self::world::{Over, World};
