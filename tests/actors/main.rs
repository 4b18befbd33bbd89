//! Actors: references, handlers, and how actors start, live and end; and what they do besides handling mail.

#[path = "../common/mod.rs"]
mod common;

mod behaviors;
mod elsewhere;
mod endings;
mod first_behaviors;
mod first_hour;
mod lifecycle;
mod passivation;
mod passive;
mod recipients;
mod references;
mod starts;
mod stash;
mod tasks;
mod tasks_of_tasks;
mod timers;
