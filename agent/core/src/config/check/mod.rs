//! What concerns several sections: names that must be unique or exist, and hops that must prove one thing only.

mod names;
mod once;
mod proof;

use super::errors::Problems;
use super::raw::RawFile;

/// Notes every contradiction between sections. `complete` is false where broken sections were taken out of the file:
/// then nothing is said about names that seem to be missing.
pub(super) fn across(file: &RawFile, catalogs: &[&str], complete: bool, problems: &mut Problems) {
    once::names(file, problems);
    once::destinations(file, problems);
    once::tables(file, problems);
    proof::hops(file, problems);
    proof::interfaces(file, problems);
    if complete {
        names::exist(file, catalogs, problems);
        proof::macsec(file, problems);
    }
}
