//! The command line.

use std::fmt;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// See and control the actors of a running pool.
///
/// The program with the pool must run the inspector service (crate nexus-actors-inspector).
#[derive(Debug, Parser)]
#[command(name = "nexus", version, arg_required_else_help = true, after_help = EXIT_CODES)]
pub(crate) struct Options {
    /// Where the inspector listens
    #[arg(
        long,
        global = true,
        env = "NEXUS_ADDRESS",
        default_value = "127.0.0.1:7777",
        value_name = "HOST:PORT"
    )]
    pub(crate) address: Address,
    /// The token that the inspector asks for; other users of this machine can read it on the command line, but
    /// not in the environment
    #[arg(long, global = true, env = "NEXUS_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<Token>,
    /// Print the service's JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 the service refused or has no such actor, 2 wrong usage, \
                          3 not reachable.\nNO_COLOR turns colours off.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Watch the pool live; without a terminal, print one overview
    Top,
    /// List the actors as a tree
    Tree(Tree),
    /// List which handler waits for what, the longest wait first
    Waiting,
    /// Show the messages that reached nobody
    DeadLetters {
        /// Show new ones as they come, until Ctrl-C
        #[arg(long)]
        follow: bool,
    },
    /// List the first actors of an order
    Actors {
        /// What the first ones have most of
        #[arg(long, value_enum, default_value_t = Order::Deepest)]
        order: Order,
        /// At most so many
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
        limit: u64,
    },
    /// Stop an actor when it has handled the messages that it has
    Stop(Target),
    /// Stop an actor after the message that it is handling; the rest of its mail is lost
    Kill(Target),
    /// Let an actor handle no more messages until it is resumed
    Suspend(Target),
    /// Let a suspended actor handle messages again
    Resume(Target),
}

#[derive(Debug, Args)]
pub(crate) struct Tree {
    /// The actor whose tree it is, such as /user/shop; without it, all actors
    #[arg(value_name = "PATH", value_parser = path)]
    pub(crate) below: Option<String>,
    /// At most so many levels below the first; 0 is the first alone
    #[arg(long, value_name = "N")]
    pub(crate) depth: Option<u64>,
    /// At most so many actors
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: u64,
    /// Only actors whose path or type of messages contains it
    #[arg(long, value_name = "TEXT")]
    pub(crate) matching: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Target {
    /// The actor: its path, such as /user/shop, or its id, such as 0.3#1
    #[arg(value_name = "PATH_OR_ID")]
    pub(crate) actor: ActorName,
}

/// The orders of the service's tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Order {
    /// Messages in the mailbox
    Deepest,
    /// Messages handled since somebody watches
    Busiest,
    /// Restarts
    Restarts,
    /// Time that the handler has waited
    Longest,
}

impl Order {
    pub(crate) const ALL: [Self; 4] = [Self::Deepest, Self::Busiest, Self::Restarts, Self::Longest];

    /// Its name, in requests and on the screen.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Deepest => "deepest",
            Self::Busiest => "busiest",
            Self::Restarts => "restarts",
            Self::Longest => "longest",
        }
    }
}

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address(String);

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with("https:") {
            return Err(
                "the inspector speaks no TLS; from another machine, use a tunnel, such as `ssh -L \
                        7777:127.0.0.1:7777 HOST`, and 127.0.0.1:7777"
                    .to_owned(),
            );
        }
        let bare = text.strip_prefix("http://").unwrap_or(text);
        let bare = bare.strip_suffix('/').unwrap_or(bare);
        let form = "write HOST:PORT, such as 127.0.0.1:7777 or [::1]:7777";
        let (host, port) = bare.rsplit_once(':').ok_or(form)?;
        let in_brackets = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        let valid = match in_brackets {
            Some(host) => host.parse::<std::net::Ipv6Addr>().is_ok(),
            None => {
                !host.is_empty()
                    && host
                        .chars()
                        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
            }
        };
        match port.parse::<u16>() {
            Ok(1..) if valid => Ok(Self(bare.to_owned())),
            _ => Err(form.to_owned()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A token that can be sent in a header. It does not show in debug output.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token(String);

impl Token {
    pub(crate) fn secret(&self) -> &str {
        &self.0
    }
}

impl FromStr for Token {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.chars().all(|c| c.is_ascii_graphic()) {
            true => Ok(Self(text.to_owned())),
            false => Err("a token has visible ASCII characters only, and no spaces".to_owned()),
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

/// An actor, by its path or by its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ActorName {
    Path(String),
    Id(String),
}

impl FromStr for ActorName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with('/') {
            return path(text).map(Self::Path);
        }
        let number = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
        let parts = text
            .split_once('.')
            .and_then(|(worker, rest)| Some((worker, rest.split_once('#')?)));
        match parts {
            Some((worker, (slot, generation)))
                if [worker, slot, generation].into_iter().all(number) =>
            {
                Ok(Self::Id(text.to_owned()))
            }
            _ => Err("write a path, such as /user/shop, or an id, such as 0.3#1".to_owned()),
        }
    }
}

impl fmt::Display for ActorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Path(name) | Self::Id(name)) = self;
        f.write_str(&crate::text::escape(name))
    }
}

fn path(text: &str) -> Result<String, String> {
    match text.starts_with('/') {
        true => Ok(text.to_owned()),
        false => Err("a path begins with a slash, such as /user/shop".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_a_host_and_a_port() {
        for good in [
            "127.0.0.1:7777",
            "localhost:1",
            "[::1]:7777",
            "http://shop.example:80/",
        ] {
            assert!(good.parse::<Address>().is_ok(), "{good}");
        }
        assert_eq!("http://a:1/".parse::<Address>().unwrap().to_string(), "a:1");
        for bad in [
            "",
            "127.0.0.1",
            ":7777",
            "a:0",
            "a:65536",
            "a:x",
            "::1:7777",
            "a b:1",
            "user@a:1",
            "a/b:1",
        ] {
            assert!(bad.parse::<Address>().is_err(), "{bad}");
        }
        assert!(
            "https://a:1"
                .parse::<Address>()
                .unwrap_err()
                .contains("tunnel")
        );
    }

    #[test]
    fn actors_are_named_by_path_or_id() {
        assert_eq!("/user/a".parse(), Ok(ActorName::Path("/user/a".to_owned())));
        assert_eq!("0.3#1".parse(), Ok(ActorName::Id("0.3#1".to_owned())));
        for bad in [
            "", "user/a", "0.3", "0#1", "a.3#1", "0.3#", "0.3#1#2", ".3#1",
        ] {
            assert!(bad.parse::<ActorName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_token_fits_into_a_header_and_stays_secret() {
        assert!("a b".parse::<Token>().is_err());
        assert!("a\r\nX: y".parse::<Token>().is_err());
        let token: Token = "s3cret".parse().unwrap();
        assert!(!format!("{token:?}").contains("s3cret"));
    }

    #[test]
    fn the_command_line_is_consistent() {
        <Options as clap::CommandFactory>::command().debug_assert();
    }
}
