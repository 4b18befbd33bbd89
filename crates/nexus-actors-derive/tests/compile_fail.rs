//! What the derive refuses says what to do instead; and the example runs.

#[test]
fn what_cannot_be_derived_does_not_compile() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/compile_fail/*.rs");
    cases.pass("examples/counter.rs");
}
