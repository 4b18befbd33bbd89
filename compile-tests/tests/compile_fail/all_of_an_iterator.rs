//! An iterator of asks must be collected before it is awaited.

use nexus_actors::prelude::*;

fn wait_for(asked: std::vec::IntoIter<Ask<u32>>) {
    let _ = all(asked);
}

fn main() {
    let _ = wait_for;
}
