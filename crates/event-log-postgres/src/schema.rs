//! The format of the schema: how it is marked, created and brought up to date.

use std::path::Path;

use postgres::{Client, Transaction};
use smallhands_event_log::{Durability, LogError};

use crate::PostgresOptions;
use crate::failure::Failure;

/// Step `n` takes a schema of format `n` to format `n + 1`. Steps are never changed once released, only added.
const MIGRATIONS: &[&str] = &[r#"
    CREATE TABLE stream (
        id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        name      text   COLLATE "C" NOT NULL UNIQUE,
        last_seq  bigint NOT NULL,
        last_seal bytea  NOT NULL
    );
    CREATE TABLE event (
        stream  bigint  NOT NULL REFERENCES stream (id),
        seq     bigint  NOT NULL,
        at_ms   bigint  NOT NULL,
        kind    text    NOT NULL,
        version integer NOT NULL,
        payload text    NOT NULL,
        seal    bytea   NOT NULL,
        PRIMARY KEY (stream, seq)
    );
    CREATE TABLE blob (
        id    text COLLATE "C" PRIMARY KEY,
        bytes bytea NOT NULL
    );
"#];

/// The format that this program writes, and the newest it reads.
pub const FORMAT_VERSION: u32 = MIGRATIONS.len() as u32;

/// Processes that make or migrate a schema take turns with this lock (`SHEL`: smallhands event log).
const TURNS: i64 = 0x5348_454C;

/// A schema's name is put into statements as it is, so it must be plain.
pub(crate) fn require_plain_name(schema: &str, place: &Path) -> Result<(), LogError> {
    let is_plain = (1..=40).contains(&schema.len())
        && schema.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && schema.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if is_plain {
        return Ok(());
    }
    let detail = format!(
        "`{schema}` cannot name its schema; use up to 40 lower-case letters, digits and _, as in `smallhands`"
    );
    Err(LogError::Io { path: place.to_owned(), detail })
}

/// Sets up a fresh connection: limits, durability, the schema in its current format.
pub(crate) fn prepare(client: &mut Client, options: &PostgresOptions) -> Result<(), Failure> {
    let (schema, limit) = (&options.schema, options.timeout.as_millis());
    client.batch_execute(&format!(
        "SET lock_timeout = {limit}; SET statement_timeout = {}; SET idle_in_transaction_session_timeout = {limit};
         SET search_path = {schema}; SET client_min_messages = warning",
        limit * 3
    ))?;
    let mut transaction = client.transaction()?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&TURNS])?;
    transaction.batch_execute(&format!("CREATE SCHEMA IF NOT EXISTS {schema}"))?;
    migrate(&mut transaction, schema)?;
    transaction.commit()?;
    require_durable(client, options.durability)
}

fn migrate(transaction: &mut Transaction<'_>, schema: &str) -> Result<(), Failure> {
    let format = match format_of(transaction)? {
        Some(format) => format,
        None => {
            let tables: i64 = transaction
                .query_one("SELECT count(*) FROM pg_tables WHERE schemaname = $1", &[&schema])?
                .get(0);
            if tables > 0 {
                return Err(Failure::Schema("the schema belongs to another program".into()));
            }
            transaction.batch_execute(
                "CREATE TABLE log_format (version integer NOT NULL); INSERT INTO log_format VALUES (0)",
            )?;
            0
        }
    };
    if format > FORMAT_VERSION {
        return Err(Failure::Newer { found: format, supported: FORMAT_VERSION });
    }
    for step in &MIGRATIONS[format as usize..] {
        transaction.batch_execute(step)?;
    }
    if format < FORMAT_VERSION {
        transaction.execute("UPDATE log_format SET version = $1", &[&FORMAT_VERSION.cast_signed()])?;
    }
    Ok(())
}

fn format_of(transaction: &mut Transaction<'_>) -> Result<Option<u32>, Failure> {
    let exists: bool = transaction.query_one("SELECT to_regclass('log_format') IS NOT NULL", &[])?.get(0);
    if !exists {
        return Ok(None);
    }
    let version: i32 = transaction.query_one("SELECT version FROM log_format", &[])?.get(0);
    u32::try_from(version).map(Some).map_err(|_| Failure::Schema(format!("its format is {version}")))
}

fn require_durable(client: &mut Client, durability: Durability) -> Result<(), Failure> {
    if durability == Durability::Relaxed {
        return Ok(client.batch_execute("SET synchronous_commit = off")?);
    }
    // Whatever is stricter than `on`, such as waiting for a standby, stays.
    let query = "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";
    client.execute(query, &[])?;
    let fsync: String = client.query_one("SELECT current_setting('fsync')", &[])?.get(0);
    if fsync == "on" {
        return Ok(());
    }
    Err(Failure::Other(
        "the server runs with fsync = off, so nothing it confirms is durable; switch it on".into(),
    ))
}
