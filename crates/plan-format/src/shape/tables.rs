//! The tables. A field is added here first; what reads it is in `model`.

use super::{Field, Shape, Takes};

const fn field(name: &'static str, takes: Takes, doc: &'static str) -> Field {
    Field { name, takes, doc, required: false }
}

const fn required(name: &'static str, takes: Takes, doc: &'static str) -> Field {
    Field { name, takes, doc, required: true }
}

/// Words for the roles.
pub(crate) const ROLES: &[&str] = &["command", "coder"];
/// Words for the endings of an attempt that lead to another one.
pub(crate) const RETRY_ON: &[&str] = &["failed", "timeout", "lost"];

/// Words for effects outside.
pub(crate) const EFFECTS: &[&str] = &["once"];

/// A plan: the whole file, or an entry of `plans`.
pub static PLAN: Shape = Shape {
    name: "plan",
    doc: "A plan: tasks, what they wait for, and what they are given.",
    fields: &[
        field("version", Takes::Whole(1, 1), "Version of the format. Absent means 1."),
        field("name", Takes::Text, "What the plan is called."),
        field("description", Takes::Text, "What it is for."),
        field(
            "inputs",
            Takes::Map(&Takes::Either(&Takes::Type, &Takes::Object(&INPUT))),
            "Values from outside: `--input NAME=VALUE`, or `with` of the task that uses the plan. A type alone is short for `{ type: … }`.",
        ),
        field(
            "defaults",
            Takes::Object(&DEFAULTS),
            "What holds for every task of this plan that does not say otherwise.",
        ),
        field(
            "checks",
            Takes::OneOrMany(&Takes::Text),
            "Commands that must succeed on the final tree, in a fresh copy; like `--check`. What fails is repaired if possible.",
        ),
        required("tasks", Takes::List(&Takes::Object(&TASK)), "The tasks, in any order."),
        field(
            "outputs",
            Takes::Map(&Takes::Anything),
            "What the plan hands to the task that uses it, as values with `${{ … }}`.",
        ),
        field("plans", Takes::Map(&Takes::Object(&PLAN)), "Plans that tasks of this file may `use` by name."),
    ],
};

/// An input of a plan.
pub static INPUT: Shape = Shape {
    name: "input",
    doc: "A value that a plan is given.",
    fields: &[
        required(
            "type",
            Takes::Type,
            "What it may be: string, number, integer, boolean, list, list<…>, object or any.",
        ),
        field(
            "default",
            Takes::Anything,
            "Its value when none is given. Without a default it must be given.",
        ),
        field("choices", Takes::List(&Takes::Anything), "The only values it may have."),
        field("description", Takes::Text, "What it is for."),
    ],
};

/// A task.
pub static TASK: Shape = Shape {
    name: "task",
    doc: "A node of the graph: a command, work for a model, or another plan.",
    fields: &[
        required("id", Takes::Name, "Its name, unique in its plan."),
        field(
            "role",
            Takes::Choice(ROLES),
            "Who does it. Absent means `command` when there is a `command`, otherwise `coder`, which needs a model.",
        ),
        field(
            "goal",
            Takes::Template,
            "What is to be achieved: the model's assignment, or a line for people.",
        ),
        field(
            "command",
            Takes::Template,
            "The shell command, run in a fresh copy of the repository; what it changes becomes a patch. Each `${{ … }}` in it becomes one quoted word (a list: several).",
        ),
        field("env", Takes::Map(&Takes::Template), "Environment variables of the command."),
        field(
            "use",
            Takes::Text,
            "The plan that takes this task's place: a name under `plans`, or a file beside this one.",
        ),
        field("with", Takes::Map(&Takes::Anything), "The inputs of the plan that is used."),
        field(
            "after",
            Takes::OneOrMany(&Takes::Name),
            "Tasks that it waits for. What an expression of the task names is waited for anyway.",
        ),
        field(
            "when",
            Takes::Expression,
            "Whether it runs at all, decided when everything that it waits for has settled. Without it a task runs when all of that is done.",
        ),
        field(
            "for_each",
            Takes::Either(&Takes::Expression, &Takes::List(&Takes::Anything)),
            "Once for each item of a list, at the same time. The item is called `item`, its number from 0 `index`.",
        ),
        field("as", Takes::Name, "Another name for `item`."),
        field(
            "outputs",
            Takes::Map(&Takes::Either(&Takes::Type, &Takes::Object(&OUTPUT))),
            "What a command hands on. A type alone is short for `{ type: … }`. `stdout` is there without being declared.",
        ),
        field(
            "checks",
            Takes::OneOrMany(&Takes::Template),
            "Commands that must succeed on the tree with this task's changes, in a fresh copy; otherwise the task has failed.",
        ),
        field(
            "approval",
            Takes::Flag,
            "Whether the user is asked before each attempt (`smallhands approve`). No answer in time means no.",
        ),
        field(
            "effect",
            Takes::Choice(EFFECTS),
            "`once`: the command has an effect outside of the repository that must not be repeated.",
        ),
        field(
            "verify",
            Takes::Template,
            "With `effect`: a command that tells whether the effect has happened. Exit code 0 means yes, 1 no, any other that it cannot say.",
        ),
        field("resources", Takes::Object(&RESOURCES), "What it needs while it runs."),
        field(
            "locks",
            Takes::OneOrMany(&Takes::Name),
            "Names of locks: no two tasks that share one run at the same time.",
        ),
        field(
            "owns",
            Takes::OneOrMany(&Takes::Path),
            "The files that it will change: names, folders or patterns. Tasks that would change the same do not run at the same time.",
        ),
        field("retry", Takes::Object(&RETRY), "When and how often it is tried again."),
        field("timeout", Takes::Duration, "The longest that one attempt may take."),
        field(
            "expect",
            Takes::Duration,
            "How long it probably takes; for the order of tasks and for the forecast.",
        ),
        field("budget", Takes::Object(&BUDGET), "The most that one attempt may spend on models."),
        field("priority", Takes::Whole(-1000, 1000), "Higher starts earlier. 0 is ordinary."),
    ],
};

/// What a command hands on.
pub static OUTPUT: Shape = Shape {
    name: "output",
    doc: "A value that a command hands on.",
    fields: &[
        required(
            "type",
            Takes::Type,
            "What it is: string, number, integer, boolean, list, list<…>, object or any.",
        ),
        field(
            "from",
            Takes::Choice(&["file", "stdout"]),
            "Where it comes from: a line `name=value` or a JSON object in the file named by $SMALLHANDS_OUTPUT, or all of the standard output (a list<string>: its lines).",
        ),
        field(
            "default",
            Takes::Anything,
            "Its value when the command writes none. Without a default it must be written.",
        ),
        field("description", Takes::Text, "What it is."),
    ],
};

/// What tasks of a plan have in common.
pub static DEFAULTS: Shape = Shape {
    name: "defaults",
    doc: "What holds for every task that does not say otherwise.",
    fields: &[
        field(
            "env",
            Takes::Map(&Takes::Template),
            "Environment variables of commands; a task's own come on top.",
        ),
        field("resources", Takes::Object(&RESOURCES), "As in a task."),
        field("retry", Takes::Object(&RETRY), "As in a task."),
        field("timeout", Takes::Duration, "As in a task."),
        field("expect", Takes::Duration, "As in a task."),
        field("budget", Takes::Object(&BUDGET), "As in a task."),
    ],
};

static RESOURCES: Shape = Shape {
    name: "resources",
    doc: "What a task needs while it runs.",
    fields: &[
        field("cpu", Takes::Cpu, "Processors: `2`, `0.5` or `250m`."),
        field("memory", Takes::Memory, "Memory: `512MB` or `2GB`."),
        field("gpu", Takes::Whole(0, 64), "Graphics processors."),
    ],
};

static RETRY: Shape = Shape {
    name: "retry",
    doc: "When and how often a task is tried again.",
    fields: &[
        field("attempts", Takes::Whole(1, 100), "Attempts in all."),
        field(
            "on",
            Takes::OneOrMany(&Takes::Choice(RETRY_ON)),
            "After which endings: `failed`, `timeout`, `lost` (the machinery broke). All of them when absent.",
        ),
        field(
            "backoff",
            Takes::Duration,
            "How long to wait before the second attempt; twice as long before each later one.",
        ),
        field("max_backoff", Takes::Duration, "The longest wait."),
    ],
};

static BUDGET: Shape = Shape {
    name: "budget",
    doc: "The most that an attempt may spend on models.",
    fields: &[
        field("usd", Takes::Amount, "US dollars."),
        field("tokens", Takes::Whole(1, 1_000_000_000), "Tokens; not enforced yet."),
    ],
};
