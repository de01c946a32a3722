//! Numbers, booleans and durations.

use std::time::Duration;

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use crate::config::field::{Complaint, Given, Scalar};

/// No timer of closedpath is longer; also keeps sums with points in time from overflowing.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

impl Scalar for Duration {
    fn read(given: Given<'_>) -> Result<Self, Complaint> {
        const EXPECTED: &str = "a duration such as \"5s\" or \"1m 30s\"";
        let duration = humantime::parse_duration(given.text(EXPECTED).map_err(|mut complaint| {
            if let Given::Integer(number) = given {
                complaint.help = format!("write the unit, in quotes: \"{number}s\"");
            }
            complaint
        })?)
        .map_err(|_| Complaint { help: "units: ms, s, m, h, days".to_owned(), ..given.is_not(EXPECTED) })?;
        if duration.is_zero() {
            return Err(Complaint::new(
                "a duration of zero: this must take some time",
                "write a duration such as \"5s\" or \"1m 30s\"",
            ));
        }
        if duration > LONGEST {
            return Err(Complaint::new(
                format!("{given} is longer than a year"),
                "write a shorter duration; \"m\" is minutes, \"M\" is months",
            ));
        }
        Ok(duration)
    }

    fn written(&self) -> Value {
        humantime::format_duration(*self).to_string().into()
    }
}

impl Scalar for bool {
    fn read(given: Given<'_>) -> Result<Self, Complaint> {
        match given {
            Given::Bool(value) => Ok(value),
            Given::Text(_) | Given::Integer(_) | Given::Other(_) => Err(Complaint {
                help: "write true or false, without quotes".to_owned(),
                ..given.is_not("true or false")
            }),
        }
    }

    fn written(&self) -> Value {
        (*self).into()
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "boolean" })
    }
}

/// How many at once.
#[derive(Clone, Copy)]
pub(in crate::config) struct Count(pub usize);

impl Scalar for Count {
    fn read(given: Given<'_>) -> Result<Self, Complaint> {
        integer(given, 1..=65_536).map(|number| Self(number.try_into().unwrap_or(usize::MAX)))
    }

    fn written(&self) -> Value {
        self.0.into()
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 1, "maximum": 65536 })
    }
}

/// A mark of packets (`SO_MARK`, socket(7)).
#[derive(Clone, Copy)]
pub(in crate::config) struct Mark(pub u32);

impl Scalar for Mark {
    fn read(given: Given<'_>) -> Result<Self, Complaint> {
        integer(given, 1..=u32::MAX.into()).map(|number| Self(number.try_into().unwrap_or(u32::MAX)))
    }

    fn written(&self) -> Value {
        self.0.into()
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 1, "maximum": 4_294_967_295_u32 })
    }
}

/// A port; 0 only where a probe has none.
#[derive(Clone, Copy)]
pub(in crate::config) struct Port(pub u16);

impl Scalar for Port {
    fn read(given: Given<'_>) -> Result<Self, Complaint> {
        let Given::Integer(number) = given else {
            return Err(number_expected(given, "a port from 1 to 65535"));
        };
        u16::try_from(number).map(Self).map_err(|_| out_of_range(given, "a port from 1 to 65535"))
    }

    fn written(&self) -> Value {
        self.0.into()
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 0, "maximum": 65535 })
    }
}

fn integer(given: Given<'_>, range: std::ops::RangeInclusive<i64>) -> Result<i64, Complaint> {
    let expected = format!("a whole number from {} to {}", range.start(), range.end());
    let Given::Integer(number) = given else { return Err(number_expected(given, &expected)) };
    if range.contains(&number) { Ok(number) } else { Err(out_of_range(given, &expected)) }
}

fn number_expected(given: Given<'_>, expected: &str) -> Complaint {
    Complaint { help: "write the number without quotes".to_owned(), ..given.is_not(expected) }
}

fn out_of_range(given: Given<'_>, expected: &str) -> Complaint {
    Complaint { help: "write a number in that range".to_owned(), ..given.is_not(expected) }
}
