//! Questions that take many runs, one per file: the runs that it needs and the answer that they give.
//!
//! A run itself belongs to `simulation`, and its figures to `analysis`. This room chooses the next runs and draws
//! conclusions from all of them.

#[cfg(feature = "cluster")]
mod cluster_estimate;
mod compare;
mod knee;
mod replicates;
mod reproduce;
mod run_permits;
mod seeded_runs;
mod validate;

#[cfg(feature = "cluster")]
pub use cluster_estimate::{ClusterEstimate, ClusterPlan, EstimateError, estimate_cluster};
pub use compare::{
    COMPARISON_SCHEMA, CompareError, Comparison, ComparisonReport, ComparisonText, FigureChange, FigureLimit,
    FigureSummary, LimitVerdict, RegressionCheck, ReportFault, RowReport,
};
pub use knee::{Fault, Growth, Knee, KneeError, KneeQuestion, Probe, Search, find_knee};
pub use replicates::{FirstRunTrace, Series, run_replicates};
pub use reproduce::{
    PUBLISHED_ROWS, PublishedFigure, PublishedRow, Reproduction, ReproductionPlan, Tolerance, Verdict, reproduce,
};
pub use seeded_runs::RunFault;
pub use validate::{Case, CaseGroup, CasePlan, Effort, SEED_MAX, Validation, header, validate};
