//! What `report.json` looks like, as a JSON Schema: made from the types that are written, so that the two cannot part.
//!
//! Whoever reads reports may be given more than the schema names: fields are added without a new version. What it names
//! is there, and is what it says.

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use crate::model::report::{Report, SCHEMA_VERSION};

/// The schema of a report, in the 2020-12 draft.
pub fn schema() -> Value {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema = generator.into_root_schema_for::<Report>();
    schema.insert("$id".to_owned(), json!(format!("urn:coroner:report:{SCHEMA_VERSION}")));
    schema.insert("title".to_owned(), json!("coroner report"));
    schema.to_value()
}
