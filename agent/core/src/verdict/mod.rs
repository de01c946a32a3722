//! Whether a workload is closed (DOMAIN §4.1, DESIGN §4.5): three-valued, and never closed by default.

mod judge;

pub use judge::{Ruling, is_closed_path, overall, rule};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The verdict, worst last, so that the maximum is the overall verdict (DESIGN §4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Verdict {
    /// 完全閉域: no leak, nothing lacking.
    Closed,
    /// 例外付き閉域: only declared exceptions leave.
    ClosedExcept,
    /// 判定不能: something answers on a path that cannot be told.
    Undetermined,
    /// 閉域だが成立しない: no leak, but something needed is not to be had.
    ClosedButBroken,
    /// 閉域ではない.
    NotClosed,
}

impl Verdict {
    /// All, best first.
    pub const ALL: [Self; 5] =
        [Self::Closed, Self::ClosedExcept, Self::Undetermined, Self::ClosedButBroken, Self::NotClosed];

    /// The exit status of `check` (DESIGN §4.1).
    pub fn exit_status(self) -> u8 {
        match self {
            Self::Closed | Self::ClosedExcept => 0,
            Self::NotClosed => 1,
            Self::Undetermined => 3,
            Self::ClosedButBroken => 4,
        }
    }
}
