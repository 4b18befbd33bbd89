//! Code that must not compile: the promises that the types enforce.

#[test]
fn s1_3_misuse_does_not_compile() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/compile_fail/*.rs");
    cases.pass("tests/compile_fail/right/*.rs");
}
