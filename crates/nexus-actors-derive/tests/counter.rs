//! The example is as short as it claims.

/// Counts the lines of code: those that are neither blank nor a comment.
fn lines_of_code(program: &str) -> usize {
    let code = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with("//");
    program.lines().filter(code).count()
}

#[test]
fn a_counter_has_sixteen_lines_and_names_no_type_of_its_calls() {
    let program = include_str!("../examples/counter.rs");
    assert_eq!(lines_of_code(program), 16, "{program}");
    assert!(!program.contains("::<"), "{program}");
}

#[test]
fn only_code_is_counted() {
    assert_eq!(
        lines_of_code("//! Text.\n\nfn f() {\n    // Text.\n    g() // h\n}\n"),
        3
    );
}
