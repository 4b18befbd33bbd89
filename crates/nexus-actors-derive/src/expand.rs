//! The expansion of the enum into the trait and its implementation.

use proc_macro2::{Spacing, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use std::collections::HashMap;
use syn::ext::IdentExt;
use syn::{Data, DataEnum, DeriveInput, Error, Generics, Result, parse_quote};

use crate::attributes::OnEnum;
use crate::method::{Enum, Method, is_deprecated};

/// Expands `#[derive(Message)]`.
pub(crate) fn expand(input: DeriveInput) -> Result<TokenStream> {
    let input = without_self(input)?;
    let data = variants(&input)?;
    has_no_lifetimes(&input.generics)?;
    let mut mistakes = Mistakes::default();
    let given = mistakes.take(OnEnum::read(&input.attrs));
    let methods = data.variants.iter().map(Method::of);
    let methods: Vec<_> = methods.filter_map(|method| mistakes.take(method)).collect();
    mistakes.take(all_differ(&methods));
    mistakes.none()?;
    Ok(code(&input, given.unwrap_or_default(), &methods))
}

fn code(input: &DeriveInput, given: OnEnum, methods: &[Method<'_>]) -> TokenStream {
    let DeriveInput { ident, vis, .. } = input;
    let name = given.name;
    let name = name.unwrap_or_else(|| format_ident!("{}Calls", ident, span = ident.span()));
    let (_, arguments, bounds) = input.generics.split_for_impl();
    let of = Enum {
        name: ident,
        ty: quote!(#ident #arguments),
        nexus: given.nexus.unwrap_or_else(|| parse_quote!(::nexus_actors)),
    };
    let (ty, nexus) = (&of.ty, &of.nexus);
    let declarations = methods.iter().map(|method| method.declaration(&of));
    let definitions = methods.iter().map(|method| method.definition(&of));
    let parameters = &input.generics;
    let deprecated = input
        .attrs
        .iter()
        .filter(|attribute| is_deprecated(attribute));
    let text = format!(
        "The variants of [`{0}`](enum@{0}), as methods of `ActorRef`.",
        ident.unraw()
    );

    // For an enum without parameters the compiler proves this itself, and warns of such a bound.
    let mut bounded = input.generics.clone();
    if !bounded.params.is_empty() {
        let is_message = parse_quote!(#ty: ::core::marker::Send + 'static);
        bounded.make_where_clause().predicates.push(is_message);
    }
    let (on_impl, _, bounds_on_impl) = bounded.split_for_impl();

    // Warnings about the enum itself are not repeated. Dead code is not allowed: otherwise the methods
    // would count as used, and the compiler would not report variants that are never constructed.
    let allowed = quote! {
        #[allow(
            deprecated, non_camel_case_types, non_snake_case, unreachable_pub,
            clippy::all, clippy::pedantic,
        )]
    };
    quote! {
        #[doc = #text]
        #(#deprecated)*
        #allowed
        #vis trait #name #parameters #bounds {
            #(#declarations)*
        }

        #[automatically_derived]
        #allowed
        impl #on_impl #name #arguments for #nexus::ActorRef<#ty> #bounds_on_impl {
            #(#definitions)*
        }
    }
}

fn variants(input: &DeriveInput) -> Result<&DataEnum> {
    let no_enum = |span| {
        let problem = "`Message` is derived for enums, as each variant becomes a method: make this a \
                       variant of an enum, or send it by `tell` and `ask`";
        Err(Error::new(span, problem))
    };
    match &input.data {
        Data::Struct(data) => no_enum(data.struct_token.span),
        Data::Union(data) => no_enum(data.union_token.span),
        Data::Enum(data) if data.variants.is_empty() => Err(Error::new_spanned(
            &input.ident,
            "an enum without variants has no messages: add a variant, or remove `Message`",
        )),
        Data::Enum(data) => Ok(data),
    }
}

fn has_no_lifetimes(generics: &Generics) -> Result<()> {
    match generics.lifetimes().next() {
        Some(lifetime) => Err(Error::new_spanned(
            lifetime,
            "a message is `'static`, as it outlives the call that sends it: have the enum own its data, \
             or share it by an `Arc`",
        )),
        None => Ok(()),
    }
}

fn all_differ(methods: &[Method<'_>]) -> Result<()> {
    let mut seen = HashMap::new();
    let mut mistakes = Mistakes::default();
    for method in methods {
        let name = method.name.unraw().to_string();
        if let Some(other) = seen.insert(name, method) {
            let other = other.variant_name();
            mistakes.note(Error::new(
                method.name.span(),
                format!(
                    "the variant `{other}` has the method `{}` too: rename one of them by \
                     `#[message(name = \"..\")]`",
                    method.name
                ),
            ));
        }
    }
    mistakes.none()
}

/// Replaces `Self`, which is another type within a trait, by the enum's own name.
fn without_self(input: DeriveInput) -> Result<DeriveInput> {
    let (_, arguments, _) = input.generics.split_for_impl();
    let ident = &input.ident;
    let own = quote!(#ident #arguments);
    syn::parse2(replace_self(input.to_token_stream(), &own))
}

fn replace_self(tokens: TokenStream, own: &TokenStream) -> TokenStream {
    let mut replaced = TokenStream::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(ident) if ident == "Self" => {
                let in_path = tokens.peek().is_some_and(begins_a_path);
                replaced.extend(if in_path { quote!(<#own>) } else { own.clone() });
            }
            TokenTree::Group(group) => {
                let inner = replace_self(group.stream(), own);
                let mut outer = proc_macro2::Group::new(group.delimiter(), inner);
                outer.set_span(group.span());
                replaced.extend([TokenTree::Group(outer)]);
            }
            token => replaced.extend([token]),
        }
    }
    replaced
}

/// Whether the token is the first of the two in `::`.
fn begins_a_path(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(p) if p.as_char() == ':' && p.spacing() == Spacing::Joint)
}

/// The mistakes found so far, which are all reported at once.
#[derive(Default)]
struct Mistakes(Option<Error>);

impl Mistakes {
    fn note(&mut self, mistake: Error) {
        match &mut self.0 {
            Some(others) => others.combine(mistake),
            none => *none = Some(mistake),
        }
    }

    fn take<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|mistake| self.note(mistake)).ok()
    }

    fn none(self) -> Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(input: DeriveInput) -> String {
        expand(input).expect("right").to_string()
    }

    #[test]
    fn texts_and_deprecations_are_those_of_the_variants() {
        let code = expanded(parse_quote! {
            #[deprecated = "use another"]
            pub enum Counter {
                /// Adds to the sum.
                ///
                /// At once.
                #[deprecated(since = "1.0.0", note = "count yourself")]
                #[serde(rename = "+")]
                Add(Amount),
                #[doc(alias = "sum")]
                Get(Reply<i64>),
            }
        });
        let add = quote! {
            #[doc = r" Adds to the sum."]
            #[doc = r""]
            #[doc = r" At once."]
            #[deprecated(since = "1.0.0", note = "count yourself")]
            fn add(self, amount: Amount);
        };
        let get = quote! {
            #[doc(alias = "sum")]
            #[doc = "Asks with `Get`."]
            fn get(self) -> ::nexus_actors::ask::Question<
                Counter, i64, impl ::core::ops::FnOnce(::nexus_actors::Reply<i64>) -> Counter
            >;
        };
        let of_trait = quote!(#[deprecated = "use another"]);
        for part in [add, get, of_trait, quote!(pub trait CounterCalls)] {
            let part = part.to_string();
            assert!(code.contains(&part), "{part}\n\n{code}");
        }
        assert!(!code.contains("serde"), "{code}");
        // The compiler rejects the attribute on a method of an implementation.
        assert_eq!(code.matches("count yourself").count(), 1, "{code}");
    }

    #[test]
    fn the_path_of_the_crate_is_the_given_one_everywhere() {
        let code = expanded(parse_quote! {
            #[message(crate = "crate::actors")]
            enum Counter { Add(i64), Get(Reply<i64>) }
        });
        assert!(!code.contains("nexus_actors"), "{code}");
        for path in [
            quote!(crate::actors::ActorRef),
            quote!(crate::actors::ask::Question),
            quote!(crate::actors::Reply),
        ] {
            assert!(code.contains(&path.to_string()), "{path} in {code}");
        }
    }

    #[test]
    fn all_mistakes_are_reported_at_once() {
        let mistakes = expand(parse_quote! {
            #[message(unknown)]
            enum Wrong { Stop, Two(Reply<u8>, Reply<u8>), Super, Fine, FINE }
        });
        let mistakes: Vec<_> = mistakes.expect_err("wrong").into_iter().collect();
        assert_eq!(mistakes.len(), 5, "{mistakes:?}");
    }
}
