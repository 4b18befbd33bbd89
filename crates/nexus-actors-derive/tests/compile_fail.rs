//! The errors of the derive say what to do instead. And the example runs.

#[test]
fn what_cannot_be_derived_does_not_compile() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/compile_fail/*.rs");
    cases.pass("examples/counter.rs");
}
