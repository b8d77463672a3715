//! Stands in for `report` until it is merged, under its names and signatures: then this file goes, and `stub::` becomes
//! `bulk_order_propagation::`.

pub(crate) mod report {
    use bulk_order_propagation::scenario::Scenario;
    use bulk_order_propagation::stats::RunRecord;
    use std::fs::File;
    use std::io;

    pub(crate) struct Host;

    impl Host {
        pub(crate) fn read() -> Host {
            Host
        }
    }

    #[allow(dead_code)]
    pub(crate) struct Setting {
        pub(crate) version: String,
        pub(crate) host: Host,
        pub(crate) options: serde_json::Value,
        pub(crate) replay: String,
    }

    pub(crate) struct Report;

    impl Report {
        pub(crate) fn new(_: &Scenario, _: Setting, _: &[RunRecord]) -> Option<Report> {
            None
        }
        pub(crate) fn to_json(&self) -> Result<String, serde_json::Error> {
            Ok(String::new())
        }
        pub(crate) fn headline(&self) -> String {
            String::new()
        }
        pub(crate) fn shown(&self) -> usize {
            0
        }
        pub(crate) fn balanced(&self) -> bool {
            false
        }
        pub(crate) fn interrupted(&self) -> bool {
            false
        }
        pub(crate) fn goal_met(&self) -> bool {
            false
        }
    }

    impl std::fmt::Display for Report {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            Ok(())
        }
    }

    pub(crate) fn write_nodes_csv(_: &RunRecord, _: File) -> io::Result<()> {
        Ok(())
    }
}
