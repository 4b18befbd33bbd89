//! An iterator of asks is collected before it is waited for.

use nexus_actors::prelude::*;

fn wait_for(asked: std::vec::IntoIter<Ask<u32>>) {
    let _ = all(asked);
}

fn main() {
    let _ = wait_for;
}
