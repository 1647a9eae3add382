//! What the command line says of mistakes.

use crate::program::Program;

#[test]
fn every_mistake_ends_with_64_and_says_what_to_do() {
    let program = Program::new()
        .file("deploy.yaml", "steps:\n  - shell: true\n")
        .file("wrong.yaml", "steps:\n  - shel: true\n")
        .file("servers.txt", "web-01\nweb-02\n");
    let long = "v".repeat(300);
    let cases: [&[&str]; 14] = [
        &[],
        &["v1; rm -rf /", "--plan", "deploy.yaml", "-w", "a"],
        &["v1\nv2", "--plan", "deploy.yaml", "-w", "a"],
        &[&long, "--plan", "deploy.yaml", "-w", "a"],
        &["v1", "-w", "a"],
        &["v1", "--plan", "deploy.yaml"],
        &["v1", "--plan", "deplo.yaml", "-w", "a"],
        &["v1", "--plan", "wrong.yaml", "-w", "a"],
        &["v1", "--plan", "deploy.yaml", "--servers", "server.txt"],
        &["v1", "--plan", "deploy.yaml", "-w", "a[1-"],
        &["v1", "--plan", "deploy.yaml", "-w", "a", "--rollback"],
        &["v1", "--plan", "deploy.yaml", "-w", "a", "--resume"],
        &["v1", "--plan", "deploy.yaml", "-w", "a", "--batch-size", "0"],
        &["v1", "--plan", "deploy.yaml", "-w", "a", "--fast"],
    ];
    let mut said = Vec::new();
    for args in cases {
        let run = program.run(args);
        assert_eq!((run.code, run.stdout.as_str()), (Some(64), ""), "{run}");
        said.push(run.to_string().replace(&long, "vvv…"));
    }
    insta::assert_snapshot!(said.join("\n\n"));
}

#[test]
fn help_names_all_flags() {
    let run = Program::new().run(&["--help"]);
    assert_eq!(run.code, Some(0));
    insta::assert_snapshot!(run.stdout);
}

#[test]
fn the_pages_of_a_package_are_written() {
    let program = Program::new();
    let run = program.run(&["dist", "pages"]);
    assert_eq!(run.code, Some(0), "{run}");
    assert!(program.path("pages/man/fleet-deploy.1").is_file());
    assert!(program.path("pages/completions/_fleet-deploy").is_file());
}
