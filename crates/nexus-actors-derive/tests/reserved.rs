//! The names that no generated method may have are those of `ActorRef`, as found in the sources of the core.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use syn::{ImplItem, Item, ItemImpl, Type, Visibility};

#[allow(dead_code)]
#[path = "../src/reserved.rs"]
mod reserved;

/// Collects the items of all files below a folder, including those in modules, but not those of tests.
fn items_below(folder: &Path, items: &mut Vec<Item>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            items_below(&path, items);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a text file");
            // Parsing the others would take time, and they do not mention it.
            if text.contains("ActorRef") {
                let file = syn::parse_file(&text).expect("a file of Rust");
                file.items.into_iter().for_each(|item| flatten(item, items));
            }
        }
    }
}

fn flatten(item: Item, items: &mut Vec<Item>) {
    match item {
        Item::Mod(module) if module.ident != "tests" => {
            let (_, inner) = module.content.unwrap_or_default();
            inner.into_iter().for_each(|item| flatten(item, items));
        }
        item => items.push(item),
    }
}

fn items_of_the_core() -> Vec<Item> {
    let mut items = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../src");
    items_below(&root, &mut items);
    items
}

fn is_actor_ref(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    path.path
        .segments
        .last()
        .is_some_and(|last| last.ident == "ActorRef")
}

fn implementations(items: &[Item]) -> impl Iterator<Item = &ItemImpl> {
    items.iter().filter_map(|item| match item {
        Item::Impl(found) if is_actor_ref(&found.self_ty) => Some(found),
        _ => None,
    })
}

/// The names of the public functions of `ActorRef` itself.
fn inherent(items: &[Item]) -> BTreeSet<String> {
    implementations(items)
        .filter(|found| found.trait_.is_none())
        .flat_map(|found| &found.items)
        .filter_map(|item| match item {
            ImplItem::Fn(function) if matches!(function.vis, Visibility::Public(_)) => {
                Some(function.sig.ident.to_string())
            }
            _ => None,
        })
        .collect()
}

/// The names of the traits that are implemented for `ActorRef`, by an `impl` or by an attribute.
fn traits(items: &[Item]) -> BTreeSet<String> {
    let written = implementations(items)
        .filter_map(|found| Some(found.trait_.as_ref()?.1.segments.last()?.ident.to_string()));
    let structs = items.iter().filter_map(|item| match item {
        Item::Struct(found) if found.ident == "ActorRef" => Some(found),
        _ => None,
    });
    let derived = structs
        .flat_map(|found| &found.attrs)
        .filter(|at| at.path().is_ident("derive"));
    let derived = derived.flat_map(|attribute| {
        let mut names = Vec::new();
        let read = attribute.parse_nested_meta(|name| {
            names.extend(name.path.segments.last().map(|last| last.ident.to_string()));
            Ok(())
        });
        read.expect("names of traits");
        names
    });
    written.chain(derived).collect()
}

#[test]
fn the_inherent_names_are_those_of_the_core() {
    let listed: BTreeSet<_> = reserved::INHERENT.iter().map(ToString::to_string).collect();
    assert_eq!(inherent(&items_of_the_core()), listed);
}

#[test]
fn every_trait_of_a_reference_is_listed() {
    let traits = traits(&items_of_the_core());
    assert!(traits.contains("Clone"), "they were found: {traits:?}");
    let listed = |name: &String| reserved::TRAITS.iter().any(|(listed, _)| listed == name);
    let missing: Vec<_> = traits.iter().filter(|name| !listed(name)).collect();
    assert!(missing.is_empty(), "not in the list: {missing:?}");
}

#[test]
fn a_new_method_or_trait_would_be_seen() {
    let file = "
        mod inner { impl<M> ActorRef<M> { pub fn seen(self) {} pub(crate) fn hidden(self) {} } }
        mod tests { impl<M> ActorRef<M> { pub fn of_a_test(self) {} } }
        impl<M> Other<M> { pub fn of_another(self) {} }
        #[derive(Seen)] struct ActorRef<M>(M);
        impl<M> also::SeenToo for crate::ActorRef<M> {}
    ";
    let mut items = Vec::new();
    let file = syn::parse_file(file).expect("a file of Rust");
    file.items
        .into_iter()
        .for_each(|item| flatten(item, &mut items));
    let set = |names: &[&str]| {
        names
            .iter()
            .map(ToString::to_string)
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(inherent(&items), set(&["seen"]));
    assert_eq!(traits(&items), set(&["Seen", "SeenToo"]));
}
