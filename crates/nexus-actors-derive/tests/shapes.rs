//! Every shape of a variant and of an enum gets its method.

mod common;

use common::{SIZES, SOON, with_pool};
use nexus_actors::prelude::*;
use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::Hash;

#[derive(Message)]
enum Shape {
    Unit,
    Empty(),
    Braces {},
    One(u32),
    Two(u32, String),
    Named { count: u32, r#type: &'static str },
    Alone(Reply<&'static str>),
    First(Reply<u32>, u32),
    Between(u32, Reply<(u32, char)>, char),
    Last(u32, u32, Reply<u32>),
    Answered { number: u32, by: Reply<u32> },
    // The argument and the reply have each other's usual names.
    Crossed { reply: u32, value: Reply<u32> },
    Qualified(nexus_actors::Reply<u8>),
    Seen(Reply<Vec<String>>),
}

fn shapes() -> Props<Shape> {
    Props::new(|| {
        Behavior::with_state(Vec::new(), |seen: &mut Vec<String>, _ctx, message| {
            let mut told = |text: String| seen.push(text);
            match message {
                Shape::Unit => told("unit".to_owned()),
                Shape::Empty() => told("empty".to_owned()),
                Shape::Braces {} => told("braces".to_owned()),
                Shape::One(number) => told(format!("one {number}")),
                Shape::Two(number, text) => told(format!("two {number} {text}")),
                Shape::Named { count, r#type } => told(format!("named {count} {type}")),
                Shape::Alone(reply) => reply.send("alone"),
                Shape::First(reply, number) => reply.send(number + 1),
                Shape::Between(number, reply, letter) => reply.send((number, letter)),
                Shape::Last(one, other, reply) => reply.send(one - other),
                Shape::Answered { number, by } => by.send(number * 2),
                Shape::Crossed { reply, value } => value.send(reply * 3),
                Shape::Qualified(reply) => reply.send(8),
                Shape::Seen(reply) => reply.send(seen.clone()),
            }
        })
    })
}

#[test]
fn variants_of_every_shape_are_told_and_asked() {
    for size in SIZES {
        with_pool(size, |pool| {
            let shape = pool.spawn("shape", shapes()).unwrap();
            shape.unit();
            shape.empty();
            shape.braces();
            shape.one(1);
            shape.two(2, "texts".to_owned());
            shape.named(3, "a type");
            let seen = shape.seen().wait_for(SOON).unwrap();
            let told = [
                "unit",
                "empty",
                "braces",
                "one 1",
                "two 2 texts",
                "named 3 a type",
            ];
            assert_eq!(seen, told);

            assert_eq!(shape.alone().wait_for(SOON), Ok("alone"));
            assert_eq!(shape.first(4).wait_for(SOON), Ok(5));
            assert_eq!(shape.between(6, 'x').wait_for(SOON), Ok((6, 'x')));
            assert_eq!(shape.last(9, 2).wait_for(SOON), Ok(7));
            assert_eq!(shape.answered(10).wait_for(SOON), Ok(20));
            assert_eq!(shape.crossed(11).wait_for(SOON), Ok(33));
            assert_eq!(shape.qualified().wait_for(SOON), Ok(8));
        });
    }
}

#[derive(Message)]
enum Store<K, V = u32, const ROOM: usize = 2>
where
    K: Hash + Eq + Send + 'static,
    V: Clone + Send + 'static,
{
    Put { key: K, value: V },
    Find(K, Reply<Option<V>>),
    All([Option<K>; ROOM], Reply<[Option<V>; ROOM]>),
    // These messages, of this very type, are handled one after the other.
    Batch(Vec<Self>),
}

fn store<K, V, const ROOM: usize>() -> Props<Store<K, V, ROOM>>
where
    K: Hash + Eq + Send + 'static,
    V: Clone + Send + 'static,
{
    fn handle<K: Hash + Eq + Send, V: Clone + Send, const ROOM: usize>(
        values: &mut HashMap<K, V>,
        message: Store<K, V, ROOM>,
    ) {
        match message {
            Store::Put { key, value } => drop(values.insert(key, value)),
            Store::Find(key, reply) => reply.send(values.get(&key).cloned()),
            Store::All(keys, reply) => {
                reply.send(keys.map(|key| key.and_then(|key| values.get(&key).cloned())));
            }
            Store::Batch(messages) => messages.into_iter().for_each(|one| handle(values, one)),
        }
    }
    Props::new(|| {
        Behavior::with_state(HashMap::new(), |values, _ctx, message| {
            handle(values, message)
        })
    })
}

/// Calls the methods of a generic enum whose parameters are unknown.
fn put_and_find<K, V>(store: ActorRef<Store<K, V>>, key: K, value: V) -> Option<V>
where
    K: Hash + Eq + Clone + Send + 'static,
    V: Clone + Send + 'static,
{
    store.put(key.clone(), value);
    store.find(key).wait_for(SOON).unwrap()
}

#[test]
fn parameters_and_bounds_of_an_enum_are_its_methods_too() {
    with_pool(1, |pool| {
        let words = pool.spawn("words", store::<String, &str, 2>()).unwrap();
        assert_eq!(put_and_find(words, "one".to_owned(), "eins"), Some("eins"));
        assert_eq!(words.find("two".to_owned()).wait_for(SOON), Ok(None));

        let numbers: ActorRef<Store<u8>> = pool.spawn("numbers", store()).unwrap();
        let puts = [(1, 10), (2, 20)].map(|(key, value)| Store::Put { key, value });
        numbers.batch(Vec::from(puts));
        assert_eq!(
            numbers.all([Some(2), None]).wait_for(SOON),
            Ok([Some(20), None])
        );
    });
}

trait Kind {
    type Part: Debug + Send + 'static;
    fn parts() -> Vec<Self::Part>;
}

// The enum's own type in every place where it can stand.
#[derive(Message)]
enum Node<T: Kind + 'static>
where
    Self: Sized,
{
    Parts(Reply<Vec<<T as Kind>::Part>>),
    Pass(Box<Self>),
    Itself(Reply<Option<ActorRef<Self>>>),
}

impl Kind for u8 {
    type Part = char;

    fn parts() -> Vec<char> {
        vec!['a', 'b']
    }
}

#[test]
fn self_in_a_field_is_the_enum() {
    fn handle<T: Kind + 'static>(ctx: &Context<'_, Node<T>>, message: Node<T>) {
        match message {
            Node::Parts(reply) => reply.send(T::parts()),
            Node::Pass(message) => handle(ctx, *message),
            Node::Itself(reply) => reply.send(Some(ctx.self_ref())),
        }
    }
    with_pool(1, |pool| {
        let props = Props::new(|| Behavior::receive(|ctx, message| handle::<u8>(ctx, message)));
        let node = pool.spawn("node", props).unwrap();
        assert_eq!(node.parts().wait_for(SOON), Ok(vec!['a', 'b']));
        assert_eq!(node.itself().wait_for(SOON), Ok(Some(node)));
        let (asked, reply) = std::sync::mpsc::channel();
        let asker = pool.spawn_anonymous(Props::new(move || {
            let asked = asked.clone();
            Behavior::receive(move |_ctx, part: char| asked.send(part).map_err(BoxError::from))
        }));
        let asker = asker.unwrap();
        // The reply of a question may be passed in a message like any other value.
        let passed = node.ask(|reply| Node::Pass(Box::new(Node::Parts(reply))), SOON);
        passed
            .wait()
            .unwrap()
            .into_iter()
            .for_each(|part| asker.tell(part));
        assert_eq!(reply.recv_timeout(SOON), Ok('a'));
    });
}

macro_rules! messages {
    ($name:ident, $told:ty, $reply:ty) => {
        #[derive(Message)]
        enum $name {
            Set($told),
            Get($reply),
        }
    };
}

messages!(Cell, Option<u16>, Reply<Option<u16>>);

#[test]
fn an_enum_may_be_made_by_a_macro_or_in_a_function() {
    #[derive(Message)]
    enum Local {
        Get(Reply<u16>),
    }
    with_pool(1, |pool| {
        let cell = Props::new(|| {
            Behavior::with_state(None, |cell, _ctx, message| match message {
                Cell::Set(value) => *cell = value,
                Cell::Get(reply) => reply.send(*cell),
            })
        });
        let cell = pool.spawn("cell", cell).unwrap();
        cell.set(Some(3));
        assert_eq!(cell.get().wait_for(SOON), Ok(Some(3)));

        let local = Props::new(|| Behavior::receive(|_ctx, Local::Get(reply)| reply.send(4)));
        let local = pool.spawn("local", local).unwrap();
        assert_eq!(local.get().wait_for(SOON), Ok(4));
    });
}
