//! The derive macro of `nexus-actors`, which re-exports it under its feature `derive`. Use it from there.

mod attributes;
mod expand;
mod method;
mod names;
mod reserved;

use proc_macro::TokenStream;
use syn::{DeriveInput, Error, parse_macro_input};

/// Turns each variant of a message enum into a method of `ActorRef`.
///
/// ```
/// use nexus_actors::prelude::*;
/// use std::time::Duration;
///
/// #[derive(Message)]
/// enum Counter {
///     /// Adds to the sum.
///     Add(i64),
///     /// The sum so far.
///     Get(Reply<i64>),
/// }
///
/// let counter = Props::new(|| {
///     Behavior::with_state(0, |sum: &mut i64, _ctx, message| match message {
///         Counter::Add(number) => *sum += number,
///         Counter::Get(reply) => reply.send(*sum),
///     })
/// });
/// let pool = WorkerPool::builder().workers(1).start()?;
/// let counter = pool.spawn("counter", counter)?;
/// let second = Duration::from_secs(1);
///
/// counter.add(5); // as counter.tell(Counter::Add(5))
/// assert_eq!(counter.get().wait_for(second)?, 5); // as counter.ask(Counter::Get, second).wait()
///
/// let asked: Ask<i64> = counter.get().within(second); // as counter.ask(Counter::Get, second)
/// counter.add(1);
/// assert_eq!(asked.wait()?, 5);
/// pool.shutdown(second)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Generated code
///
/// The macro generates a trait, which for an enum `Counter` is named `CounterCalls` and is as visible as
/// the enum. The trait is implemented for `ActorRef<Counter>`: to call the methods, import it with the
/// enum.
///
/// - A variant with a field of the type `Reply<R>` is an ask. Its method returns a `Question`. `within`
///   sends the question and returns an `Ask<R>`; `wait_for` sends it and waits for the answer.
/// - Any other variant is a tell. Its method returns nothing: a message that cannot be delivered becomes
///   a dead letter.
///
/// The method has the name of the variant, in snake case: `GetAll` becomes `get_all`, and `Type` becomes
/// `r#type`. Its arguments are the variant's fields except the reply. Those of a struct variant are named
/// as the fields; those of a tuple variant are named after their types (`AccountId` becomes
/// `account_id`), or `value`. The method has the variant's documentation, and is deprecated if the
/// variant is. The trait has the enum's generic parameters and their bounds.
///
/// ```
/// use nexus_actors::prelude::*;
/// use std::hash::Hash;
/// use std::time::Duration;
///
/// #[derive(Message)]
/// enum Store<K: Hash + Eq, V: Clone + Send + 'static> {
///     Put { key: K, value: V },
///     Find { key: K, reply: Reply<Option<V>> },
///     Clear,
/// }
///
/// fn twice(store: ActorRef<Store<String, u32>>, key: &str) -> Result<Option<u32>, AskError> {
///     let found = store.find(key.to_owned()).wait_for(Duration::from_secs(1))?;
///     Ok(found.map(|value| value * 2))
/// }
/// ```
///
/// A field counts as a reply if the last name in its type is `Reply`. A reply that is hidden in another
/// type, or behind an alias, does not make its variant an ask: the method takes it as an argument.
///
/// # Attributes
///
/// - `#[message(name = "..")]` on a variant names its method; on the enum it names the trait.
/// - `#[message(crate = "..")]` on the enum gives the path of the crate `nexus_actors`, if that is not
///   `::nexus_actors`.
///
/// ```
/// use nexus_actors as actors;
/// use nexus_actors::prelude::*;
///
/// #[derive(Message)]
/// #[message(name = "LampMethods", crate = "actors")]
/// enum Lamp {
///     On,
///     #[message(name = "off")]
///     Stop,
/// }
///
/// fn blink(lamp: ActorRef<Lamp>) {
///     lamp.on();
///     lamp.off();
/// }
/// ```
///
/// # Errors
///
/// Compilation fails for a variant
///
/// - with more than one reply;
/// - whose method would have the name of an existing method of `ActorRef` (`stop`, `send`, `clone` and so
///   on), or of another variant's method: name it by the attribute;
///
/// and for an enum without variants or with lifetime parameters, for structs and for unions.
#[proc_macro_derive(Message, attributes(message))]
pub fn message(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    let code = expand::expand(input);
    code.unwrap_or_else(Error::into_compile_error).into()
}
