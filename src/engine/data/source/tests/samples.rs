//! The committed samples keep their fingerprints: runs on them, and what they are compared with, stay valid.

use std::path::Path;

use crate::engine::data::config::DataConfig;
use crate::engine::data::source::load;

#[test]
fn the_samples_keep_their_fingerprints() {
    let folder = Path::new("datasets");
    for (name, expected) in [
        (
            "short-video",
            "9b44707e1043cb833c6cd32c6af6391aedb314b860b915adfe77aa5e31965787",
        ),
        (
            "catalogue",
            "5c5ffc4106b60b0e121e5ee58980b3e45edbfee607f4f114e3843dea68332c81",
        ),
    ] {
        let dataset = load(&folder.join(name), &DataConfig::default()).unwrap();
        assert_eq!(dataset.fingerprint, expected, "{name}");
        assert_eq!(dataset.format, "simulated");
        assert!(dataset.warnings.is_empty(), "{:?}", dataset.warnings);
    }
}
