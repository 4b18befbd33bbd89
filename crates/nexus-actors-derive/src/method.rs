//! The method of a variant: parsed from the variant, and generated as code.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::{
    Attribute, Error, Field, Fields, GenericArgument, Meta, Path, PathArguments, Result, Type,
    Variant,
};

use crate::{attributes, names, reserved};

/// The part that all methods of an enum have in common.
pub(crate) struct Enum<'a> {
    pub(crate) name: &'a Ident,
    /// The enum with its generic arguments.
    pub(crate) ty: TokenStream,
    /// The path of the crate `nexus_actors`.
    pub(crate) nexus: Path,
}

/// The method of a variant.
pub(crate) struct Method<'a> {
    pub(crate) name: Ident,
    variant: &'a Variant,
    arguments: Vec<(Ident, &'a Type)>,
    /// The type of the answer, if it is an ask.
    answer: Option<Type>,
    /// The fields of the message, made of the arguments and of [`reply`].
    value: TokenStream,
}

impl<'a> Method<'a> {
    pub(crate) fn of(variant: &'a Variant) -> Result<Self> {
        let answers = variant.fields.iter().map(answer_of);
        let answers: Vec<_> = answers.collect::<Result<_>>()?;
        let fields = || variant.fields.iter().zip(&answers);
        if let Some((second, _)) = fields().filter(|(_, answer)| answer.is_some()).nth(1) {
            return Err(Error::new_spanned(
                &second.ty,
                "an ask has one `Reply`: send both answers by one, as a tuple or a struct, or split \
                 the variant in two",
            ));
        }
        let others = fields().filter(|(_, answer)| answer.is_none());
        let arguments = arguments(others.map(|(field, _)| field));
        let mut names = arguments.iter().map(|(name, _)| name.clone());
        let value = |answer: &Option<Type>| match answer {
            None => names.next(),
            Some(_) => None,
        };
        let values = answers.iter().map(value);
        let values: Vec<_> = values.map(|name| name.unwrap_or_else(reply)).collect();
        Ok(Self {
            name: name(variant)?,
            variant,
            arguments,
            value: value_of(&variant.fields, &values),
            answer: answers.into_iter().flatten().next(),
        })
    }

    pub(crate) fn variant_name(&self) -> &Ident {
        &self.variant.ident
    }

    /// Returns the declaration in the trait.
    pub(crate) fn declaration(&self, of: &Enum<'_>) -> TokenStream {
        let carried = self.carried();
        let signature = self.signature(of);
        quote!(#(#carried)* #signature;)
    }

    /// Returns the definition for `ActorRef`.
    pub(crate) fn definition(&self, of: &Enum<'_>) -> TokenStream {
        let signature = self.signature(of);
        let Enum { name, nexus, .. } = of;
        let (variant, value) = (&self.variant.ident, &self.value);
        let message = quote!(#name::#variant #value);
        let body = if self.answer.is_some() {
            let reply = reply();
            quote!(#nexus::ask::Question::new(self, move |#reply| #message))
        } else {
            quote!(#nexus::ActorRef::tell(self, #message))
        };
        quote!(#[inline] #signature { #body })
    }

    fn signature(&self, of: &Enum<'_>) -> TokenStream {
        let name = &self.name;
        let arguments = self.arguments.iter().map(|(name, ty)| quote!(#name: #ty));
        let returned = self.answer.as_ref().map(|answer| {
            let Enum { ty, nexus, .. } = of;
            let make = quote!(::core::ops::FnOnce(#nexus::Reply<#answer>) -> #ty);
            quote!(-> #nexus::ask::Question<#ty, #answer, impl #make>)
        });
        quote!(fn #name(self #(, #arguments)*) #returned)
    }

    /// Returns the attributes that the method takes over from the variant, with a default documentation
    /// if there is none.
    fn carried(&self) -> Vec<TokenStream> {
        let attributes = self.variant.attrs.iter();
        let carried = attributes.filter(|at| at.path().is_ident("doc") || is_deprecated(at));
        let mut carried: Vec<_> = carried.map(ToTokens::to_token_stream).collect();
        if !self.variant.attrs.iter().any(is_text) {
            let variant = &self.variant.ident;
            let text = match self.answer {
                Some(_) => format!("Asks with `{variant}`."),
                None => format!("Tells `{variant}`."),
            };
            carried.push(quote!(#[doc = #text]));
        }
        carried
    }
}

pub(crate) fn is_deprecated(attribute: &Attribute) -> bool {
    attribute.path().is_ident("deprecated")
}

fn is_text(attribute: &Attribute) -> bool {
    attribute.path().is_ident("doc") && matches!(attribute.meta, Meta::NameValue(_))
}

/// Returns the method's name.
fn name(variant: &Variant) -> Result<Ident> {
    let given = attributes::on_variant(&variant.attrs)?;
    let (name, span) = given.unwrap_or_else(|| {
        let name = variant.ident.unraw().to_string();
        (names::snake_case(&name), variant.ident.span())
    });
    let refused = |why: String| {
        let problem = format!("{why}: rename it by `#[message(name = \"..\")]`");
        Error::new(span, problem)
    };
    let ident = names::identifier(&name, span)
        .ok_or_else(|| refused(format!("`{name}` is not a name for a method")))?;
    match reserved::why(&ident.unraw().to_string()) {
        Some(why) => Err(refused(why)),
        None => Ok(ident),
    }
}

/// Returns the type of the answer, if the field is a `Reply`.
fn answer_of(field: &Field) -> Result<Option<Type>> {
    attributes::on_field(&field.attrs)?;
    let Type::Path(path) = names::plain(&field.ty) else {
        return Ok(None);
    };
    let Some(last) = path
        .path
        .segments
        .last()
        .filter(|last| last.ident == "Reply")
    else {
        return Ok(None);
    };
    if let PathArguments::AngleBracketed(generics) = &last.arguments {
        let mut arguments = generics.args.iter();
        if let (Some(GenericArgument::Type(answer)), None) = (arguments.next(), arguments.next()) {
            return Ok(Some(answer.clone()));
        }
    }
    Err(Error::new_spanned(
        last,
        "a `Reply` has the type of its answer, as in `Reply<u64>`; if this is not the one of \
         `nexus_actors`, use another name for it",
    ))
}

/// Returns the arguments for those fields.
fn arguments<'a>(fields: impl Iterator<Item = &'a Field>) -> Vec<(Ident, &'a Type)> {
    let fields: Vec<_> = fields.collect();
    let types: Vec<_> = fields.iter().map(|field| &field.ty).collect();
    let named = fields.iter().zip(names::arguments(&types));
    let names = named.map(|(field, name)| field.ident.clone().unwrap_or(name));
    names.zip(types).collect()
}

/// Returns the code behind the variant's name, given the values of its fields.
fn value_of(fields: &Fields, values: &[Ident]) -> TokenStream {
    match fields {
        Fields::Unit => TokenStream::new(),
        Fields::Unnamed(_) => quote!((#(#values),*)),
        Fields::Named(_) => {
            let names = fields.iter().map(|field| &field.ident);
            quote!({ #(#names: #values),* })
        }
    }
}

/// The argument of an ask's closure. No argument of the method has this name.
fn reply() -> Ident {
    Ident::new("__reply", Span::mixed_site())
}
