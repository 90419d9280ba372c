//! The last calibration, in the driver's data folder: written whole by `groundswell calibrate`, also beside a
//! driver that holds the folder, and read by a driver when it starts.

use std::io;
use std::path::{Path, PathBuf};

use common::settings::data_dir::{DataDirError, write_whole};

use super::{Calibration, FORMAT, MachineFacts};
use crate::precision::Precision;

/// Its name in the folder.
pub const FILE: &str = "calibration.json";
/// A longer file was not written by [`save`], and is not read.
const MAX_BYTES: u64 = 1 << 20;

/// Keeps a calibration in a folder, in place of the one before; returns its path.
///
/// # Errors
/// Where the folder cannot be written.
pub fn save(folder: &Path, calibration: &Calibration) -> Result<PathBuf, DataDirError> {
    let path = folder.join(FILE);
    // Plain data with text keys: it always serializes.
    write_whole(&path, &serde_json::to_string_pretty(calibration).unwrap_or_default())?;
    Ok(path)
}

/// The calibration that a folder keeps, if it is one of so many workers with this precision on this machine; one
/// that is not, or cannot be read, is passed over with a line in the log.
pub fn load(folder: &Path, workers: u32, precision: Precision) -> Option<Calibration> {
    let path = folder.join(FILE);
    let calibration = match read(&path) {
        Ok(calibration) => calibration?,
        Err(reason) => {
            log::warn!(path:% = path.display(), error:% = reason; "calibration ignored");
            return None;
        }
    };
    if let Err(reason) = calibration.is_of(&MachineFacts::this(), workers, precision) {
        log::info!(path:% = path.display(), reason:%; "calibration ignored");
        return None;
    }
    log::info!(
        at:% = calibration.calibrated_at,
        highest_rate_kept_per_s:? = calibration.open_loop.highest_rate_kept_per_s,
        closed_loop_per_s = calibration.closed_loop.throughput_per_s;
        "calibration loaded"
    );
    Some(calibration)
}

fn read(path: &Path) -> Result<Option<Calibration>, String> {
    let length = match std::fs::metadata(path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    if length > MAX_BYTES {
        return Err(format!("{length} bytes are too long for a calibration"));
    }
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map(Some).map_err(|error| error.to_string())
}

impl Calibration {
    /// Checks that it was made by so many workers with this precision on this machine.
    ///
    /// # Errors
    /// The first difference.
    fn is_of(&self, machine: &MachineFacts, workers: u32, precision: Precision) -> Result<(), String> {
        if self.format != FORMAT {
            return Err(format!("it is of format {}, not {FORMAT}", self.format));
        }
        if self.workers != workers {
            return Err(format!("it is of {} workers, and this driver has {workers}", self.workers));
        }
        if self.precision != precision {
            return Err(format!("it is of precision {}, and this driver has {precision}", self.precision));
        }
        if self.machine != *machine {
            return Err(format!("it is of another machine: {:?}, not {machine:?}", self.machine));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::example;
    use super::*;

    #[test]
    fn it_is_of_one_machine_one_number_of_workers_and_one_precision() {
        let calibration = example();
        let machine = calibration.machine.clone();
        let is_of =
            |machine: &MachineFacts, workers, precision| calibration.is_of(machine, workers, precision);
        assert_eq!(is_of(&machine, 2, Precision::Auto), Ok(()));
        assert!(is_of(&machine, 1, Precision::Auto).unwrap_err().contains("2 workers"));
        assert!(is_of(&machine, 2, Precision::Spin).unwrap_err().contains("precision auto"));
        let other = MachineFacts { kernel: "6.2".to_owned(), ..machine };
        assert!(is_of(&other, 2, Precision::Auto).unwrap_err().contains("another machine"));
    }

    #[test]
    fn the_last_one_is_kept_and_what_does_not_fit_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let loaded = || load(folder.path(), 2, Precision::Auto);
        assert_eq!(loaded(), None, "none yet");
        save(folder.path(), &example()).unwrap();
        assert_eq!(loaded(), None, "of another machine");
        let here = Calibration { machine: MachineFacts::this(), ..example() };
        let path = save(folder.path(), &here).unwrap();
        assert_eq!(loaded(), Some(here));
        assert_eq!(load(folder.path(), 3, Precision::Auto), None, "of other workers");
        std::fs::write(path, "{").unwrap();
        assert_eq!(loaded(), None, "no JSON");
    }
}
