//! Every mistake is told at once, with its line and a mark below it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic; helpers are not marked as tests")]

use smallhands_plan_format::loading::load;

/// What is said about a plan, word for word.
#[track_caller]
fn check(name: &str, plan: &str, expected: &str) {
    let loaded = load(name, plan.trim_start_matches('\n'), &mut |_| Err("there is no such file".into()));
    assert!(loaded.document.is_none(), "{name} has no mistakes");
    let said = loaded.problems.render(&loaded.sources);
    assert_eq!(said.trim_end(), expected.trim(), "\n{said}");
}

/// A plan about fields that are not known.
const FIELDS_THAT_ARE_NOT_KNOWN: &str = r##"
version: 1
titel: misspelt
tasks:
  - id: build
    comand: make
    retry: { attemps: 3 }
  - id: test
    command: make test
    dependencies: [build]
"##;

/// What is said about it.
const FIELDS_THAT_ARE_NOT_KNOWN_SAID: &str = r##"
error: a plan has no field `titel`
  --> unknown-fields.yaml:2:1
  |
2 | titel: misspelt
  | ^^^^^
  = help: known here: version, name, description, inputs, defaults, checks, tasks, outputs, plans

error: a task has no field `comand`
  --> unknown-fields.yaml:5:5
  |
5 |     comand: make
  |     ^^^^^^
  = help: did you mean `command`?

error: a retry has no field `attemps`
  --> unknown-fields.yaml:6:14
  |
6 |     retry: { attemps: 3 }
  |              ^^^^^^^
  = help: did you mean `attempts`?

error: a task has no field `dependencies`
  --> unknown-fields.yaml:9:5
  |
9 |     dependencies: [build]
  |     ^^^^^^^^^^^^
  = help: known here: id, role, goal, command, env, use, with, after, when, for_each, as, outputs, checks, approval, effect, verify, resources, locks, owns, retry, timeout, expect, budget, priority
"##;

#[test]
fn fields_that_are_not_known() {
    check("unknown-fields.yaml", FIELDS_THAT_ARE_NOT_KNOWN, FIELDS_THAT_ARE_NOT_KNOWN_SAID);
}

/// A plan about values of the wrong kind.
const VALUES_OF_THE_WRONG_KIND: &str = r##"
version: 2
inputs:
  level: { type: integer, default: high }
  mode: strng
tasks:
  - id: build
    command: [make, all]
    timeout: 90
    resources: { cpu: many, memory: 2, gpu: 1.5 }
    retry: { attempts: 0, on: [fail] }
    after: { a: b }
  - just text
  - id: 7up
    command: make
    budget: { usd: -1, tokens: lots }
"##;

/// What is said about it.
const VALUES_OF_THE_WRONG_KIND_SAID: &str = r##"
error: 2 is not 1
  --> wrong-types.yaml:1:10
  |
1 | version: 2
  |          ^

error: `"high"` is not an integer, which the input `level` is
  --> wrong-types.yaml:3:3
  |
3 |   level: { type: integer, default: high }
  |   ^^^^^

error: `strng` is not a type
  --> wrong-types.yaml:4:9
  |
4 |   mode: strng
  |         ^^^^^
  = help: the types are: string, integer, number, boolean, list, list<…>, object, any

error: expected text, found a list
  --> wrong-types.yaml:7:14
  |
7 |     command: [make, all]
  |              ^^^^^^^^^^^

error: `90` is not a span of time; write for example 90s, 10m, 1h30m or 250ms
  --> wrong-types.yaml:8:14
  |
8 |     timeout: 90
  |              ^^

error: `many` is not a number of processors; write for example 2, 0.5 or 250m
  --> wrong-types.yaml:9:23
  |
9 |     resources: { cpu: many, memory: 2, gpu: 1.5 }
  |                       ^^^^

error: `2` is not an amount of memory; write for example 512MB or 2GB
  --> wrong-types.yaml:9:37
  |
9 |     resources: { cpu: many, memory: 2, gpu: 1.5 }
  |                                     ^

error: expected a whole number from 0 to 64, found a number
  --> wrong-types.yaml:9:45
  |
9 |     resources: { cpu: many, memory: 2, gpu: 1.5 }
  |                                             ^^^

error: 0 is not a whole number from 1 to 100
   --> wrong-types.yaml:10:24
   |
10 |     retry: { attempts: 0, on: [fail] }
   |                        ^

error: `fail` is not one of: failed, timeout, lost
   --> wrong-types.yaml:10:32
   |
10 |     retry: { attempts: 0, on: [fail] }
   |                                ^^^^

error: expected a name, found a mapping
   --> wrong-types.yaml:11:12
   |
11 |     after: { a: b }
   |            ^^^^^^^^

error: expected the fields of a task, found text
   --> wrong-types.yaml:12:5
   |
12 |   - just text
   |     ^^^^^^^^^
   = help: its fields are: id, role, goal, command, env, use, with, after, when, for_each, as, outputs, checks, approval, effect, verify, resources, locks, owns, retry, timeout, expect, budget, priority

error: `7up` is not a usable name
   --> wrong-types.yaml:13:9
   |
13 |   - id: 7up
   |         ^^^
   = help: use 1 to 60 letters, digits, `-` and `_`, beginning with a letter

error: expected a number that is not negative, found a number
   --> wrong-types.yaml:15:20
   |
15 |     budget: { usd: -1, tokens: lots }
   |                    ^^

error: expected a whole number from 1 to 1000000000, found text
   --> wrong-types.yaml:15:32
   |
15 |     budget: { usd: -1, tokens: lots }
   |                                ^^^^
"##;

#[test]
fn values_of_the_wrong_kind() {
    check("wrong-types.yaml", VALUES_OF_THE_WRONG_KIND, VALUES_OF_THE_WRONG_KIND_SAID);
}

/// A plan about names that clash or lead nowhere.
const NAMES_THAT_CLASH_OR_LEAD_NOWHERE: &str = r##"
tasks:
  - id: build
    command: make
  - id: build
    command: make again
  - id: test
    command: make test
    after: [bild, build, build]
  - id: nothing
  - id: think
    role: coder
  - id: say
    role: command
    goal: but not how
"##;

/// What is said about it.
const NAMES_THAT_CLASH_OR_LEAD_NOWHERE_SAID: &str = r##"
error: there is another task `build`
  --> names.yaml:4:9
  |
4 |   - id: build
  |         ^^^^^
  = help: give each task of a plan its own id

error: there is no task `bild`
  --> names.yaml:8:13
  |
8 |     after: [bild, build, build]
  |             ^^^^
  = help: did you mean `build`?

error: `build` is named twice in `after`
  --> names.yaml:8:26
  |
8 |     after: [bild, build, build]
  |                          ^^^^^

error: this task does nothing
  --> names.yaml:9:5
  |
9 |   - id: nothing
  |     ^^^^^^^^^^^
  = help: give it a `command`, a `goal` for a model, or `use` another plan

error: a coder task needs the field `goal`
   --> names.yaml:10:5
   |
10 |   - id: think
   |     ^^^^^^^^^
   = help: say what is to be achieved

error: a command task needs the field `command`
   --> names.yaml:12:5
   |
12 |   - id: say
   |     ^^^^^^^
   = help: say which shell command to run
"##;

#[test]
fn names_that_clash_or_lead_nowhere() {
    check("names.yaml", NAMES_THAT_CLASH_OR_LEAD_NOWHERE, NAMES_THAT_CLASH_OR_LEAD_NOWHERE_SAID);
}

/// A plan about tasks that wait for themselves.
const TASKS_THAT_WAIT_FOR_THEMSELVES: &str = r##"
tasks:
  - id: a
    command: echo a
    after: c
  - id: b
    command: echo ${{ tasks.a.outputs.stdout }}
  - id: c
    command: echo c
    when: tasks.b.status == 'done'
  - id: alone
    command: echo alone
    after: [alone]
"##;

/// What is said about it.
const TASKS_THAT_WAIT_FOR_THEMSELVES_SAID: &str = r##"
error: task `a` waits for itself: a → c → b → a
  --> cycle.yaml:6:23
  |
6 |     command: echo ${{ tasks.a.outputs.stdout }}
  |                       ^^^^^^^^^^^^^^^^^^^^^^
  = help: remove one of these dependencies

error: task `alone` waits for itself: alone → alone
   --> cycle.yaml:12:13
   |
12 |     after: [alone]
   |             ^^^^^
   = help: remove one of these dependencies
"##;

#[test]
fn tasks_that_wait_for_themselves() {
    check("cycle.yaml", TASKS_THAT_WAIT_FOR_THEMSELVES, TASKS_THAT_WAIT_FOR_THEMSELVES_SAID);
}

/// A plan about expressions that can never work.
const EXPRESSIONS_THAT_CAN_NEVER_WORK: &str = r##"
inputs:
  release: boolean
  count: integer
tasks:
  - id: find
    command: ls
    outputs: { files: list<string>, total: integer }
  - id: one
    when: inputs.relase && tasks.find.status == 'done'
    command: echo
  - id: two
    when: inputs.release and tasks.find.status == 'sucess'
    command: echo ${{ tasks.find.outputs.file }}
  - id: three
    when: inputs.count
    command: echo ${{ tasks.fnd.outputs.files }} ${{ item }}
  - id: four
    when: inputs.count > 'many'
    for_each: tasks.find.outputs.total
    command: |
      echo first
      echo second ${{ lenght(inputs.count) }}
  - id: five
    command: echo "${{ inputs.count }}" '${{ inputs.release }}' ${{ inputs.count
  - id: six
    when: length(inputs.count) == 1 or tasks.find.output.files
    command: echo ${{ tasks.find.outputs.files.first }}
"##;

/// What is said about it.
const EXPRESSIONS_THAT_CAN_NEVER_WORK_SAID: &str = r##"
error: `&&` means nothing here
  --> expressions.yaml:9:25
  |
9 |     when: inputs.relase && tasks.find.status == 'done'
  |                         ^^
  = help: write `and`

error: `sucess` is not a status
   --> expressions.yaml:12:51
   |
12 |     when: inputs.release and tasks.find.status == 'sucess'
   |                                                   ^^^^^^^^
   = help: known here: done, failed, skipped

error: task `find` has no output `file`
   --> expressions.yaml:13:23
   |
13 |     command: echo ${{ tasks.find.outputs.file }}
   |                       ^^^^^^^^^^^^^^^^^^^^^^^
   = help: did you mean `files`?

error: `inputs.count` is an integer, not true or false
   --> expressions.yaml:15:11
   |
15 |     when: inputs.count
   |           ^^^^^^^^^^^^
   = help: compare it with something, such as `== 'x'`

error: there is no task `fnd`
   --> expressions.yaml:16:23
   |
16 |     command: echo ${{ tasks.fnd.outputs.files }} ${{ item }}
   |                       ^^^^^^^^^^^^^^^^^^^^^^^
   = help: did you mean `find`?

error: `item` is not known here
   --> expressions.yaml:16:54
   |
16 |     command: echo ${{ tasks.fnd.outputs.files }} ${{ item }}
   |                                                      ^^^^
   = help: known here: inputs, tasks

error: an integer `>` a string can never hold
   --> expressions.yaml:18:11
   |
18 |     when: inputs.count > 'many'
   |           ^^^^^^^^^^^^^^^^^^^^^

error: `for_each` needs a list; `tasks.find.outputs.total` is integer
   --> expressions.yaml:19:15
   |
19 |     for_each: tasks.find.outputs.total
   |               ^^^^^^^^^^^^^^^^^^^^^^^^

error: there is no function `lenght`
   --> expressions.yaml:22:23
   |
22 |       echo second ${{ lenght(inputs.count) }}
   |                       ^^^^^^^^^^^^^^^^^^^^
   = help: did you mean `length`?

error: this value stands inside quotes, but it is quoted anyway
   --> expressions.yaml:24:24
   |
24 |     command: echo "${{ inputs.count }}" '${{ inputs.release }}' ${{ inputs.count
   |                        ^^^^^^^^^^^^
   = help: remove the quotes around it

error: this value stands inside quotes, but it is quoted anyway
   --> expressions.yaml:24:46
   |
24 |     command: echo "${{ inputs.count }}" '${{ inputs.release }}' ${{ inputs.count
   |                                              ^^^^^^^^^^^^^^
   = help: remove the quotes around it

error: `${{` has no end
   --> expressions.yaml:24:65
   |
24 |     command: echo "${{ inputs.count }}" '${{ inputs.release }}' ${{ inputs.count
   |                                                                 ^^^
   = help: close it with `}}`

error: a task has no `output`
   --> expressions.yaml:26:51
   |
26 |     when: length(inputs.count) == 1 or tasks.find.output.files
   |                                                   ^^^^^^
   = help: did you mean `outputs`?

error: a list<string> has no such part
   --> expressions.yaml:27:23
   |
27 |     command: echo ${{ tasks.find.outputs.files.first }}
   |                       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
"##;

#[test]
fn expressions_that_can_never_work() {
    check("expressions.yaml", EXPRESSIONS_THAT_CAN_NEVER_WORK, EXPRESSIONS_THAT_CAN_NEVER_WORK_SAID);
}

/// A plan about plans that cannot be used.
const PLANS_THAT_CANNOT_BE_USED: &str = r##"
tasks:
  - id: suite
    use: tets
    with: { level: 1 }
  - id: other
    use: tests
    command: make
    with: { level: high, speed: 1 }
  - id: third
    use: ./missing.yaml
  - id: fourth
    use: loop
  - id: fifth
    use: tests
plans:
  tests:
    inputs:
      level: integer
      deep: { type: boolean, default: false }
    tasks:
      - id: unit
        comand: make test
  loop:
    tasks:
      - id: again
        use: loop
"##;

/// What is said about it.
const PLANS_THAT_CANNOT_BE_USED_SAID: &str = r##"
error: there is no plan `tets`
  --> use.yaml:3:10
  |
3 |     use: tets
  |          ^^^^
  = help: did you mean `tests`?

error: `command` cannot stand beside `use`
  --> use.yaml:7:5
  |
7 |     command: make
  |     ^^^^^^^
  = help: give it to the tasks of the plan that is used

error: the input `level` is integer, but this is string
  --> use.yaml:8:13
  |
8 |     with: { level: high, speed: 1 }
  |             ^^^^^

error: the plan has no input `speed`
  --> use.yaml:8:26
  |
8 |     with: { level: high, speed: 1 }
  |                          ^^^^^
  = help: known here: level, deep

error: the plan missing.yaml cannot be read: there is no such file
   --> use.yaml:10:10
   |
10 |     use: ./missing.yaml
   |          ^^^^^^^^^^^^^^

error: the plan needs the input `level` (integer)
   --> use.yaml:14:10
   |
14 |     use: tests
   |          ^^^^^
   = help: give it under `with:`

error: a task has no field `comand`
   --> use.yaml:22:9
   |
22 |         comand: make test
   |         ^^^^^^
   = help: did you mean `command`?

error: the plan uses itself: loop → loop
   --> use.yaml:26:14
   |
26 |         use: loop
   |              ^^^^
   = help: a plan cannot contain itself; remove one `use`
"##;

#[test]
fn plans_that_cannot_be_used() {
    check("use.yaml", PLANS_THAT_CANNOT_BE_USED, PLANS_THAT_CANNOT_BE_USED_SAID);
}

/// A plan about fields that do not go together.
const FIELDS_THAT_DO_NOT_GO_TOGETHER: &str = r##"
tasks:
  - id: think
    goal: think about ${{ item }}
    env: { A: b }
    outputs: { n: integer }
    with: { a: 1 }
    as: file
  - id: both
    role: coder
    command: make
"##;

/// What is said about it.
const FIELDS_THAT_DO_NOT_GO_TOGETHER_SAID: &str = r##"
error: `item` is not known here
  --> misplaced.yaml:3:27
  |
3 |     goal: think about ${{ item }}
  |                           ^^^^
  = help: known here: inputs, tasks

error: `env` is only for commands
  --> misplaced.yaml:4:5
  |
4 |     env: { A: b }
  |     ^^^
  = help: let a command after this task do it

error: `outputs` is only for commands
  --> misplaced.yaml:5:5
  |
5 |     outputs: { n: integer }
  |     ^^^^^^^
  = help: let a command after this task do it

error: `with` is only for tasks with `use`
  --> misplaced.yaml:6:5
  |
6 |     with: { a: 1 }
  |     ^^^^
  = help: a command gets values by `${{ … }}` or `env`

error: `as` is only for tasks with `for_each`
  --> misplaced.yaml:7:5
  |
7 |     as: file
  |     ^^
  = help: remove it

error: a coder task needs the field `goal`
  --> misplaced.yaml:8:5
  |
8 |   - id: both
  |     ^^^^^^^^
  = help: say what is to be achieved

error: `command` is only for the role `command`
   --> misplaced.yaml:10:5
   |
10 |     command: make
   |     ^^^^^^^
   = help: say what is to be achieved with `goal`
"##;

#[test]
fn fields_that_do_not_go_together() {
    check("misplaced.yaml", FIELDS_THAT_DO_NOT_GO_TOGETHER, FIELDS_THAT_DO_NOT_GO_TOGETHER_SAID);
}

/// A plan about a field given twice.
const A_FIELD_GIVEN_TWICE: &str = r##"
tasks:
  - id: a
    command: x
    id: b
"##;

/// What is said about it.
const A_FIELD_GIVEN_TWICE_SAID: &str = r##"
error: `id` is given twice
  --> twice.yaml:4:5
  |
4 |     id: b
  |     ^^
  = help: remove one of the two
"##;

#[test]
fn a_field_given_twice() {
    check("twice.yaml", A_FIELD_GIVEN_TWICE, A_FIELD_GIVEN_TWICE_SAID);
}

/// A plan about text that is not yaml.
const TEXT_THAT_IS_NOT_YAML: &str = r##"
tasks:
  - id: a
    command: "unclosed
  - id: b
"##;

/// What is said about it.
const TEXT_THAT_IS_NOT_YAML_SAID: &str = r##"
error: this is not YAML: invalid indentation in quoted scalar
  --> syntax.yaml:3:14
  |
3 |     command: "unclosed
  |              ^
"##;

#[test]
fn text_that_is_not_yaml() {
    check("syntax.yaml", TEXT_THAT_IS_NOT_YAML, TEXT_THAT_IS_NOT_YAML_SAID);
}

/// A plan about nothing at all.
const NOTHING_AT_ALL: &str = r##"
# nothing but a comment
"##;

/// What is said about it.
const NOTHING_AT_ALL_SAID: &str = r##"
error: the file is empty; a plan needs at least `tasks:`
  --> empty.yaml:1:1
  |
1 | # nothing but a comment
  | ^
"##;

#[test]
fn nothing_at_all() {
    check("empty.yaml", NOTHING_AT_ALL, NOTHING_AT_ALL_SAID);
}

/// A plan about text that is not json.
const TEXT_THAT_IS_NOT_JSON: &str = r##"
{
  "tasks": [
    {"id": "a", "command": "make",}
  ]
}
"##;

/// What is said about it.
const TEXT_THAT_IS_NOT_JSON_SAID: &str = r##"
error: a name in quotes is expected here
  --> syntax.json:3:35
  |
3 |     {"id": "a", "command": "make",}
  |                                   ^
"##;

#[test]
fn text_that_is_not_json() {
    check("syntax.json", TEXT_THAT_IS_NOT_JSON, TEXT_THAT_IS_NOT_JSON_SAID);
}

/// A plan about mistakes in json.
const MISTAKES_IN_JSON: &str = r##"
{
  "tasks": [
    {"id": "a", "comand": "make"},
    {"id": "b", "command": "x \ud83d\ude00 ${{ inputs.n }}"}
  ]
}
"##;

/// What is said about it.
const MISTAKES_IN_JSON_SAID: &str = r##"
error: a task has no field `comand`
  --> fields.json:3:17
  |
3 |     {"id": "a", "comand": "make"},
  |                 ^^^^^^^^
  = help: did you mean `command`?

error: there is no input `n`
  --> fields.json:4:48
  |
4 |     {"id": "b", "command": "x \ud83d\ude00 ${{ inputs.n }}"}
  |                                                ^^^^^^^^
  = help: there is none here
"##;

#[test]
fn mistakes_in_json() {
    check("fields.json", MISTAKES_IN_JSON, MISTAKES_IN_JSON_SAID);
}

/// A plan about approval and effects outside in the wrong places.
const EFFECTS_IN_THE_WRONG_PLACES: &str = r##"
tasks:
  - id: ask
    command: make
    approval: maybe
  - id: unsure
    command: make
    verify: test -e done
  - id: write
    goal: write it
    effect: once
  - id: twice
    command: make
    effect: twice
"##;

/// What is said about it.
const EFFECTS_IN_THE_WRONG_PLACES_SAID: &str = r##"
error: expected true or false, found text
  --> effects.yaml:4:15
  |
4 |     approval: maybe
  |               ^^^^^

error: `verify` is only for tasks with `effect`
  --> effects.yaml:7:5
  |
7 |     verify: test -e done
  |     ^^^^^^
  = help: add `effect: once`

error: `effect` is only for commands
   --> effects.yaml:10:5
   |
10 |     effect: once
   |     ^^^^^^
   = help: let a command after this task do it

error: `twice` is not one of: once
   --> effects.yaml:13:13
   |
13 |     effect: twice
   |             ^^^^^
"##;

#[test]
fn effects_in_the_wrong_places() {
    check("effects.yaml", EFFECTS_IN_THE_WRONG_PLACES, EFFECTS_IN_THE_WRONG_PLACES_SAID);
}

#[test]
fn paths_lead_nowhere_outside() {
    for path in ["../x", "/etc", "a//b", "./a", "a/../b"] {
        let text = format!("tasks: [{{ id: a, command: x, owns: {path} }}]");
        let loaded = load("p.yaml", &text, &mut |_| Err(String::new()));
        let said = loaded.problems.render(&loaded.sources);
        assert!(said.contains(&format!("`{path}` is not a path of the repository")), "{said}");
    }
    for path in ["a", "src/**", "a/b/", "*.py"] {
        let text = format!("tasks: [{{ id: a, command: x, owns: ['{path}'] }}]");
        assert!(load("p.yaml", &text, &mut |_| Err(String::new())).document.is_some(), "{path}");
    }
}

#[test]
fn places_for_scripts_are_those_for_people() {
    let text = "tasks:\n  - id: ä\n    comand: make\n";
    let loaded = load("p.yaml", text, &mut |_| Err(String::new()));
    let places: Vec<_> = loaded
        .problems
        .located(&loaded.sources)
        .iter()
        .map(|at| (at.line, at.column, at.end_column))
        .collect();
    assert_eq!(places, [(2, 9, 10), (3, 5, 11)]);
}

#[test]
fn what_is_too_large_or_too_deep_is_refused_quickly() {
    let wide = format!("tasks: [{}]", "{ id: a, command: x },".repeat(60_000));
    let deep = format!("tasks: {}{}", "[".repeat(5_000), "]".repeat(5_000));
    let nested =
        format!("tasks: [{{ id: a, command: x, when: {}true{} }}]", "(".repeat(500), ")".repeat(500));
    let mut bomb = String::from("a: &a [x, x, x, x, x, x, x, x, x, x]\n");
    for (name, before) in ["b", "c", "d", "e", "f", "g", "h"].iter().zip(["a", "b", "c", "d", "e", "f", "g"])
    {
        bomb.push_str(&format!("{name}: &{name} [{}]\n", vec![format!("*{before}"); 10].join(", ")));
    }
    for text in [wide, deep, nested, bomb] {
        let loaded = load("p.yaml", &text, &mut |_| Err(String::new()));
        assert!(loaded.document.is_none());
        assert!((1..=100).contains(&loaded.problems.len()));
    }
}
