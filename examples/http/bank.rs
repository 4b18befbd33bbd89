//! The actors: one for each account, and one that opens them.

use nexus_actors::prelude::*;
use nexus_actors::{Deadline, SpawnError};
use std::time::Duration;

/// The limits of the bank.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// How many questions may wait for an account.
    pub(crate) mailbox: usize,
    /// How long a client waits for an answer.
    pub(crate) patience: Duration,
}

/// What an account is asked.
pub(crate) enum Account {
    Balance(Reply<u64>),
    /// Adds the amount, which may be negative.
    Change(i64, Reply<Result<u64, Refused>>),
}

/// Why an account was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    TooLow,
    /// The journal has not confirmed that the change is written down.
    NotRecorded,
}

/// A change to be written down before it is made.
pub(crate) struct Entry {
    pub(crate) account: String,
    pub(crate) change: i64,
    pub(crate) done: Reply<()>,
}

/// A request to open an account.
pub(crate) struct Open {
    name: String,
    opened: Reply<Result<(), SpawnError>>,
}

/// The bank, as requests see it. Clones share one bank.
#[derive(Clone)]
pub(crate) struct Bank {
    node: WorkerNode,
    opener: ActorRef<Open>,
    patience: Duration,
}

impl Bank {
    pub(crate) fn start(
        pool: &WorkerPool,
        journal: ActorRef<Entry>,
        limits: Limits,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let mailbox = Mailbox::bounded(limits.mailbox, Overflow::Fail)?;
        let node = pool.node();
        let opener = opener(node.clone(), journal, mailbox);
        Ok(Self {
            opener: pool.spawn("opener", opener)?,
            node,
            patience: limits.patience,
        })
    }

    /// Opens an account. Another actor starts the account's actor: to start it here would block the thread,
    /// which a task must not do.
    pub(crate) async fn open(&self, name: String) -> Result<Result<(), SpawnError>, AskError> {
        let open = |opened| Open { name, opened };
        self.opener.ask(open, self.patience).await
    }

    /// Returns the actor of an account. The directory answers without waiting.
    pub(crate) fn find(&self, name: &str) -> Option<ActorRef<Account>> {
        self.node.lookup(format!("/user/account-{name}")).ok()
    }

    pub(crate) async fn balance(&self, account: ActorRef<Account>) -> Result<u64, AskError> {
        account.ask(Account::Balance, self.patience).await
    }

    pub(crate) async fn change(
        &self,
        account: ActorRef<Account>,
        change: i64,
    ) -> Result<Result<u64, Refused>, AskError> {
        let change = |reply| Account::Change(change, reply);
        account.ask(change, self.patience).await
    }
}

fn opener(node: WorkerNode, journal: ActorRef<Entry>, mailbox: Mailbox) -> Props<Open> {
    Props::new(move || {
        let node = node.clone();
        Behavior::receive(move |_ctx, Open { name, opened }| {
            // The ring decides which worker it lives on; only this actor waits until it has started.
            let actor = format!("account-{name}");
            let started = node.spawn(&actor, account(name, journal).mailbox(mailbox));
            opened.send(started.map(|_| ()));
        })
    })
}

fn account(name: String, journal: ActorRef<Entry>) -> Props<Account> {
    Props::new(move || {
        let name = name.clone();
        Behavior::with_state(0, move |balance: &mut u64, _ctx, message| match message {
            Account::Balance(reply) => reply.send(*balance),
            Account::Change(change, reply) => {
                let Some(after) = balance.checked_add_signed(change) else {
                    return reply.send(Err(Refused::TooLow));
                };
                let entry = |done| Entry {
                    account: name.clone(),
                    change,
                    done,
                };
                // Plain code that waits: for as long as the client does, and no longer.
                let recorded = journal.ask(entry, Deadline::NEVER);
                let recorded = recorded.wait_on_behalf_of(&reply);
                if recorded.is_ok() {
                    *balance = after;
                }
                reply.send(recorded.map(|()| after).map_err(|_| Refused::NotRecorded));
            }
        })
    })
}
