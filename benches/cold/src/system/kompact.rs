//! A component of kompact for each actor, with default settings, except for the number of threads.

use super::{Role, System, Then};
use crate::moment::Moment;
use ::kompact::config_keys::system::THREADS;
use ::kompact::prelude::*;
use std::fmt;
use std::time::Duration;

pub(crate) struct Kompact {
    system: KompactSystem,
}

/// A message that implements `Debug`, as kompact requires.
pub(crate) struct Mail<M>(M);

impl<M> fmt::Debug for Mail<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("mail")
    }
}

#[derive(ComponentDefinition)]
pub(crate) struct Holder<R: Role<Kompact>> {
    ctx: ComponentContext<Self>,
    role: R,
}

impl<R: Role<Kompact>> ComponentLifecycle for Holder<R> {}

impl<R: Role<Kompact>> Holder<R> {
    fn new(role: R) -> Self {
        Self {
            ctx: ComponentContext::uninitialised(),
            role,
        }
    }
}

impl<R: Role<Kompact>> Actor for Holder<R> {
    type Message = Mail<R::Message>;

    fn receive_local(&mut self, Mail(message): Self::Message) -> HandlerResult {
        match self.role.take(&mut &self.ctx, message) {
            Then::Stay => Handled::OK,
            Then::Stop => Handled::SHUTDOWN,
        }
    }
}

impl System for Kompact {
    type Ref<R: Role<Self>> = ActorRef<Mail<R::Message>>;
    type Recipe<R: Role<Self>> = R;
    type Here<'a, R: Role<Self>> = &'a ComponentContext<Holder<R>>;

    fn new(workers: usize) -> Self {
        let mut config = KompactConfig::default();
        config.set_config_value(&THREADS, workers);
        let system = super::tokio::runtime(1).block_on(config.build());
        Self {
            system: system.expect("builds"),
        }
    }

    fn recipe<R: Role<Self>>(role: R) -> Self::Recipe<R> {
        role
    }

    fn start<R: Role<Self>>(&self, _worker: usize, role: R) -> Self::Ref<R> {
        self.start_anywhere(&role)
    }

    fn start_anywhere<R: Role<Self>>(&self, recipe: &Self::Recipe<R>) -> Self::Ref<R> {
        let component = self.system.create(|| Holder::new(recipe.clone()));
        self.system.start(&component);
        component.actor_ref()
    }

    fn start_child<R: Role<Self>, P: Role<Self>>(
        here: &mut Self::Here<'_, P>,
        recipe: &Self::Recipe<R>,
    ) -> Self::Ref<R> {
        let system = here.system();
        let component = system.create(|| Holder::new(recipe.clone()));
        system.start(&component);
        component.actor_ref()
    }

    #[inline]
    fn tell<R: Role<Self>>(to: &Self::Ref<R>, message: R::Message) {
        to.tell(Mail(message));
    }

    fn wait(&self, moment: &Moment) {
        moment.wait();
    }

    fn rest(&self, length: Duration) {
        std::thread::sleep(length);
    }

    /// It ends with the process.
    fn end(self) {
        std::mem::forget(self);
    }
}
