//! The attribute `#[message(..)]`.

use proc_macro2::{Ident, Span};
use syn::meta::ParseNestedMeta;
use syn::{Attribute, Error, LitStr, Path, Result};

use crate::names::identifier;

/// The contents of the attributes on the enum.
#[derive(Default)]
pub(crate) struct OnEnum {
    /// The name of the trait.
    pub(crate) name: Option<Ident>,
    /// The path of the crate `nexus_actors`.
    pub(crate) nexus: Option<Path>,
}

impl OnEnum {
    pub(crate) fn read(attributes: &[Attribute]) -> Result<Self> {
        let mut found = Self::default();
        each(attributes, |key| {
            if key.path.is_ident("name") {
                let text: LitStr = key.value()?.parse()?;
                let name = text.parse::<Ident>().map_err(|_| {
                    let problem = format!("`{}` is not a name for a trait", text.value());
                    Error::new(text.span(), problem)
                })?;
                set(&mut found.name, name, key)
            } else if key.path.is_ident("crate") {
                let text: LitStr = key.value()?.parse()?;
                let path = text.parse_with(Path::parse_mod_style).map_err(|_| {
                    let problem = format!("`{}` is not a path of a crate", text.value());
                    Error::new(text.span(), problem)
                })?;
                set(&mut found.nexus, path, key)
            } else {
                Err(key.error(
                    "unknown: an enum takes `name = \"..\"`, the name of the trait, and \
                     `crate = \"..\"`, the path of `nexus_actors`",
                ))
            }
        })?;
        Ok(found)
    }
}

/// Returns the name of the method, if an attribute on the variant gives one.
pub(crate) fn on_variant(attributes: &[Attribute]) -> Result<Option<(String, Span)>> {
    let mut found = None;
    each(attributes, |key| {
        if !key.path.is_ident("name") {
            return Err(
                key.error("unknown: a variant takes `name = \"..\"`, the name of the method")
            );
        }
        let text: LitStr = key.value()?.parse()?;
        if identifier(&text.value(), text.span()).is_none() {
            let problem = format!("`{}` is not a name for a method", text.value());
            return Err(Error::new(text.span(), problem));
        }
        set(&mut found, (text.value(), text.span()), key)
    })?;
    Ok(found)
}

/// Rejects the attribute on a field: fields take none.
pub(crate) fn on_field(attributes: &[Attribute]) -> Result<()> {
    match attributes.iter().find(|attribute| is_ours(attribute)) {
        Some(attribute) => Err(Error::new_spanned(
            attribute,
            "unknown: a field takes no `#[message(..)]`; its variant does, and the enum",
        )),
        None => Ok(()),
    }
}

fn is_ours(attribute: &Attribute) -> bool {
    attribute.path().is_ident("message")
}

fn each(
    attributes: &[Attribute],
    mut read: impl FnMut(&ParseNestedMeta<'_>) -> Result<()>,
) -> Result<()> {
    attributes
        .iter()
        .filter(|attribute| is_ours(attribute))
        .try_for_each(|attribute| attribute.parse_nested_meta(|key| read(&key)))
}

fn set<T>(place: &mut Option<T>, value: T, key: &ParseNestedMeta<'_>) -> Result<()> {
    if place.is_some() {
        return Err(key.error("given twice: remove one"));
    }
    *place = Some(value);
    Ok(())
}
