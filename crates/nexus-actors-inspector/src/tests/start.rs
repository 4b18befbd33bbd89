//! Starting and ending.

use std::io::Read;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use super::client::Watching;
use super::fake::{Fake, serve, settings};
use crate::builder::{Inspector, Settings};
use crate::error::InspectorError;

fn refused(settings: Settings) -> InspectorError {
    let started = Inspector::serve(Arc::new(Fake::default()), settings, "test-inspector");
    started.expect_err("it does not start")
}

fn at(address: &str) -> Settings {
    Settings {
        address: address.to_owned(),
        ..settings()
    }
}

#[test]
fn an_address_that_others_reach_needs_a_token() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.7:80"] {
        let error = refused(at(address));
        assert!(matches!(error, InspectorError::NeedsToken(_)), "{error}");
    }
    let (open, _fake) = serve(Settings {
        token: Some("secret".to_owned()),
        ..at("0.0.0.0:0")
    });
    assert!(open.address().ip().is_unspecified());
}

#[test]
fn settings_that_make_no_sense_are_errors() {
    for token in ["", "two words", "ä", "line\n"] {
        let error = refused(Settings {
            token: Some(token.to_owned()),
            ..settings()
        });
        assert!(
            matches!(error, InspectorError::InvalidToken),
            "{token:?}: {error}"
        );
    }
    for address in ["", "localhost", "127.0.0.1:99999", "nowhere.invalid:80"] {
        let error = refused(at(address));
        assert!(
            matches!(error, InspectorError::InvalidAddress { .. }),
            "{address:?}: {error}"
        );
    }
    let error = refused(Settings {
        interval: Duration::from_millis(19),
        ..settings()
    });
    assert!(
        matches!(error, InspectorError::InvalidInterval(_)),
        "{error}"
    );
}

#[test]
fn an_address_in_use_is_an_error() {
    let (first, _fake) = serve(settings());
    let address = first.address().to_string();
    let error = refused(at(&address));
    assert!(
        error
            .to_string()
            .starts_with(&format!("cannot listen on {address}: ")),
        "{error}"
    );
    drop(first);
    // It is free again: its thread has ended.
    let again = Inspector::serve(Arc::new(Fake::default()), at(&address), "test-inspector");
    assert_eq!(again.expect("it starts").address().to_string(), address);
}

#[test]
fn the_end_closes_connections_and_leaves_nothing_behind() {
    let (inspector, fake) = serve(settings());
    let address = inspector.address();
    let mut watching = Watching::begin(address);
    watching.next("overview");
    let mut idle = TcpStream::connect(address).unwrap();
    drop(inspector);
    assert_eq!(
        Arc::strong_count(&fake),
        1,
        "nobody holds the source any more"
    );
    assert_eq!(fake.guards.load(std::sync::atomic::Ordering::SeqCst), 0);
    assert_eq!(
        idle.read(&mut [0]).unwrap_or(0),
        0,
        "the connection is closed"
    );
    assert!(TcpStream::connect(address).is_err());
}
