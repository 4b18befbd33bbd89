//! Names of methods and arguments, derived from the names of variants and types.

use proc_macro2::{Ident, Span};
use syn::{PathArguments, Type};

/// Converts `GetAll` to `get_all`, and `HTTPGet` to `http_get`.
pub(crate) fn snake_case(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut snake = String::with_capacity(name.len() + 4);
    for (at, letter) in letters.iter().enumerate() {
        if letter.is_uppercase() && at > 0 {
            let (before, after) = (letters[at - 1], letters.get(at + 1));
            let ends_capitals = before.is_uppercase() && after.is_some_and(|c| c.is_lowercase());
            if before != '_' && (!before.is_uppercase() || ends_capitals) {
                snake.push('_');
            }
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

/// Returns the identifier of that name, raw if it is a keyword. `None` if there is no such identifier.
pub(crate) fn identifier(name: &str, span: Span) -> Option<Ident> {
    let name = name.strip_prefix("r#").unwrap_or(name);
    if ["self", "Self", "super", "crate", "_"].contains(&name) {
        return None;
    }
    // A keyword only since edition 2024.
    if name != "gen" && syn::parse_str::<Ident>(name).is_ok() {
        return Some(Ident::new(name, span));
    }
    let raw = syn::parse_str::<Ident>(&format!("r#{name}"));
    raw.is_ok().then(|| Ident::new_raw(name, span))
}

/// Types whose names do not describe the value.
const PLAIN: [&str; 23] = [
    "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "str", "u8", "u16",
    "u32", "u64", "u128", "usize", "String", "Vec", "Option", "Box", "Arc", "Self",
];

/// Returns names for arguments of those types: `account` for `Account`; and `value`, or `value_1` and so
/// on, for types that have no such name or share it.
pub(crate) fn arguments(types: &[&Type]) -> Vec<Ident> {
    let mut names: Vec<_> = types.iter().map(|ty| named_for(ty)).collect();
    for at in 0..names.len() {
        let name = names[at].clone();
        if names.iter().filter(|other| **other == name).count() > 1 {
            names
                .iter_mut()
                .filter(|other| **other == name)
                .for_each(|other| *other = None);
        }
    }
    let unnamed = names.iter().filter(|name| name.is_none()).count();
    let mut number = 0;
    let mut value = || {
        number += 1;
        let name = match unnamed {
            1 => "value".to_owned(),
            _ => format!("value_{number}"),
        };
        Ident::new(&name, Span::mixed_site())
    };
    names
        .into_iter()
        .map(|name| name.unwrap_or_else(&mut value))
        .collect()
}

/// Returns a name for a value of that type.
fn named_for(ty: &Type) -> Option<Ident> {
    let Type::Path(path) = plain(ty) else {
        return None;
    };
    let last = path.path.segments.last()?;
    let name = last.ident.to_string();
    if !matches!(last.arguments, PathArguments::None) || PLAIN.contains(&name.as_str()) {
        return None;
    }
    let name = snake_case(name.trim_start_matches("r#"));
    let free = !name.starts_with("value");
    free.then(|| identifier(&name, Span::mixed_site()))?
}

/// Returns the type without the groups that macros put around it.
pub(crate) fn plain(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => plain(&group.elem),
        Type::Paren(paren) => plain(&paren.elem),
        ty => ty,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_quote;

    #[test]
    fn words_are_split_where_capitals_begin_or_end() {
        let cases = [
            ("Add", "add"),
            ("GetAll", "get_all"),
            ("HTTPGet", "http_get"),
            ("GetHTTP", "get_http"),
            ("SHA256", "sha256"),
            ("V2Get", "v2_get"),
            ("I32Value", "i32_value"),
            ("Get_All", "get_all"),
            ("_Hidden", "_hidden"),
            ("X", "x"),
            ("lower", "lower"),
            ("ÖffneTür", "öffne_tür"),
        ];
        for (name, snake) in cases {
            assert_eq!(snake_case(name), snake, "{name}");
        }
    }

    #[test]
    fn keywords_are_raw_identifiers() {
        let cases = [
            ("get", Some("get")),
            ("type", Some("r#type")),
            ("r#type", Some("r#type")),
            ("r#get", Some("get")),
            ("gen", Some("r#gen")),
            ("async", Some("r#async")),
            ("super", None),
            ("r#self", None),
            ("crate", None),
            ("_", None),
            ("", None),
            ("2nd", None),
            ("get all", None),
        ];
        for (name, ident) in cases {
            let made = identifier(name, Span::call_site()).map(|ident| ident.to_string());
            assert_eq!(made.as_deref(), ident, "{name}");
        }
    }

    #[test]
    fn arguments_are_named_for_their_types() {
        let cases: [(Vec<Type>, &[&str]); 10] = [
            (vec![parse_quote!(i64)], &["value"]),
            (
                vec![parse_quote!(i64), parse_quote!(&'static str)],
                &["value_1", "value_2"],
            ),
            (
                vec![parse_quote!(AccountId), parse_quote!(u32)],
                &["account_id", "value"],
            ),
            (
                vec![parse_quote!(Place), parse_quote!(Place)],
                &["value_1", "value_2"],
            ),
            (vec![parse_quote!(std::time::Duration)], &["duration"]),
            (
                vec![parse_quote!(Value), parse_quote!(u8)],
                &["value_1", "value_2"],
            ),
            (vec![parse_quote!(Vec<Place>)], &["value"]),
            (vec![parse_quote!(K), parse_quote!(V)], &["k", "v"]),
            (vec![parse_quote!(Type)], &["r#type"]),
            (
                vec![parse_quote!(Super), parse_quote!((A, B))],
                &["value_1", "value_2"],
            ),
        ];
        for (types, names) in cases {
            let types: Vec<_> = types.iter().collect();
            let made: Vec<_> = arguments(&types).iter().map(Ident::to_string).collect();
            assert_eq!(made, names);
        }
    }
}
