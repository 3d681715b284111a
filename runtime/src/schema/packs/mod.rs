// Made by `cargo xtask packs` of registry/packs.

//! The ready-made schemas.

pub mod business;
pub mod cicd;
pub mod common;
pub mod crypto;
pub mod database;
pub mod etl;
pub mod http;
pub mod job;
pub mod lakehouse;
pub mod messaging;
pub mod performance;
pub mod startup;
pub mod storage;
pub mod test;
pub mod workflow;

use super::{AttributeGroup, EventDef, EventSchema, GroupDef, Schema, SchemaDef};

/// Every span schema that comes with this crate.
pub const ALL: &[&SchemaDef] = &[
    business::Operation::DEF,
    cicd::BuildArtifactCollection::DEF,
    cicd::BuildDependencyAnalysis::DEF,
    cicd::BuildExecute::DEF,
    cicd::BuildStep::DEF,
    cicd::BuildUnit::DEF,
    crypto::ExchangeApi::DEF,
    crypto::Ingestion::DEF,
    crypto::Processing::DEF,
    database::Command::DEF,
    database::Query::DEF,
    database::Transaction::DEF,
    etl::Operation::DEF,
    http::ClientEndpoint::DEF,
    http::ClientRequest::DEF,
    http::ServerRequest::DEF,
    http::ServerUnmatched::DEF,
    job::Run::DEF,
    lakehouse::Publish::DEF,
    messaging::Process::DEF,
    messaging::Publish::DEF,
    messaging::Receive::DEF,
    performance::Operation::DEF,
    startup::ConfigLoad::DEF,
    startup::DependenciesLoad::DEF,
    startup::HealthChecks::DEF,
    startup::Initialize::DEF,
    startup::ResourcesInitialize::DEF,
    storage::ObjectOperation::DEF,
    storage::Operation::DEF,
    test::BenchmarkRun::DEF,
    test::CaseRun::DEF,
    test::FileRun::DEF,
    test::SuiteRun::DEF,
    workflow::Workflow::DEF,
    workflow::Stage::DEF,
    workflow::Task::DEF,
];

/// Every event schema that comes with this crate.
pub const EVENTS: &[&EventDef] = &[
    business::KpiRecorded::DEF,
    business::FeatureFlagEvaluation::DEF,
    cicd::BuildArtifactCollected::DEF,
    cicd::BuildStepSkipped::DEF,
    common::RetryExhausted::DEF,
    common::RetryScheduled::DEF,
    crypto::DataRejected::DEF,
    crypto::RateLimited::DEF,
    database::SlowQuery::DEF,
    etl::QualityBreached::DEF,
    etl::RecordsRejected::DEF,
    http::RateLimited::DEF,
    job::Abandoned::DEF,
    job::Enqueued::DEF,
    lakehouse::DataStale::DEF,
    lakehouse::QualityDegraded::DEF,
    messaging::MessageRejected::DEF,
    performance::AlertFired::DEF,
    performance::BudgetExceeded::DEF,
    performance::Overloaded::DEF,
    performance::RegressionDetected::DEF,
    performance::SloBreached::DEF,
    startup::HealthCheck::DEF,
    startup::Ready::DEF,
    test::BenchmarkRegressionDetected::DEF,
    test::Retried::DEF,
    workflow::Completed::DEF,
    workflow::DataProcessed::DEF,
    workflow::Failed::DEF,
    workflow::StageCompleted::DEF,
    workflow::StageSkipped::DEF,
    workflow::StageStarted::DEF,
    workflow::Started::DEF,
];

/// Every attribute group that comes with this crate.
pub const GROUPS: &[&GroupDef] = &[
    business::Context::DEF,
    cicd::Artifact::DEF,
    cicd::Change::DEF,
    cicd::ProcessRun::DEF,
    common::CodeLocation::DEF,
    common::CorrelationContext::DEF,
    common::ErrorDetails::DEF,
    common::ServiceResource::DEF,
    crypto::DataVolume::DEF,
    crypto::MarketData::DEF,
    crypto::RateLimit::DEF,
    database::Analysis::DEF,
    database::Call::DEF,
    etl::Records::DEF,
    http::Client::DEF,
    http::Server::DEF,
    http::NetworkPeer::DEF,
    job::Context::DEF,
    lakehouse::DataQuality::DEF,
    lakehouse::DataSet::DEF,
    lakehouse::Resource::DEF,
    messaging::Message::DEF,
    performance::Budget::DEF,
    performance::Objective::DEF,
    performance::Resources::DEF,
    performance::Throughput::DEF,
    storage::File::DEF,
    storage::Object::DEF,
    storage::S3::DEF,
    test::BenchmarkStatistics::DEF,
    test::Counts::DEF,
    workflow::Context::DEF,
];
