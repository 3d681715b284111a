//! `sample = …` decides in place of the sampler, whatever the annotation.

use crate::support::{Recorder, many_threads};
use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt;
use otelier::Telemetry;
use otelier::config::Sampler;
use otelier::prelude::*;

fn is_recorded() -> bool {
    Context::current().span().span_context().is_sampled()
}

/// A module with every kind of annotation, and all of them called once; what was recorded of them.
macro_rules! annotated {
    ($module:ident, $sample:tt, $other:tt) => {
        mod $module {
            use super::*;

            #[trace(sample = $sample)]
            fn plain() -> bool {
                is_recorded()
            }

            #[trace(sample = $sample)]
            async fn later() -> bool {
                tokio::task::yield_now().await;
                is_recorded()
            }

            #[trace(future, sample = $sample)]
            fn made_elsewhere() -> impl Future<Output = bool> {
                async { is_recorded() }
            }

            #[trace(iterator, sample = $sample)]
            fn items() -> impl Iterator<Item = bool> {
                std::iter::once_with(is_recorded)
            }

            #[trace_job(sample = $sample)]
            fn job() -> bool {
                is_recorded()
            }

            #[trace_etl(etl.stage = EtlStage::Gold, sample = $sample)]
            fn etl() -> bool {
                is_recorded()
            }

            #[trace_database(command, db.system.name = "redis", db.operation.name = "GET", sample = $sample)]
            fn database() -> bool {
                is_recorded()
            }

            #[trace_performance(operation.type = "batch", sample = $sample)]
            fn performance() -> bool {
                is_recorded()
            }

            #[trace_startup(config_load, startup.config.source = "file", sample = $sample)]
            fn startup() -> bool {
                is_recorded()
            }

            #[trace_build_step(sample = $sample)]
            fn build_step() -> bool {
                is_recorded()
            }

            #[trace_benchmark(benchmark.iterations = 1, sample = $sample)]
            fn benchmark() -> bool {
                is_recorded()
            }

            #[trace_exchange_api(crypto.market = Market::Binance, url.template = "/klines", sample = $sample)]
            fn exchange_api() -> bool {
                is_recorded()
            }

            #[trace_ingestion(crypto.data_type = DataType::Klines, crypto.symbol = "BTC", sample = $sample)]
            fn ingestion() -> bool {
                is_recorded()
            }

            #[trace_processing(crypto.processing_stage = ProcessingStage::Validation, crypto.data_type = DataType::Klines, sample = $sample)]
            fn processing() -> bool {
                is_recorded()
            }

            #[trace_stage(crypto.stage_name = "collect", sample = $sample)]
            fn stage() -> bool {
                is_recorded()
            }

            #[trace_storage(storage.operation = StorageOperation::Put, lakehouse.layer = Layer::Bronze, sample = $sample)]
            async fn storage() -> bool {
                is_recorded()
            }

            #[trace_workflow(crypto.workflow_name = "a", crypto.workflow_type = WorkflowType::Scheduled, sample = $sample)]
            fn workflow() -> bool {
                is_recorded()
            }

            pub struct Block;

            #[trace(sample = $sample)]
            impl Block {
                fn method(&self) -> bool {
                    is_recorded()
                }

                async fn method_later(&self) -> bool {
                    tokio::task::yield_now().await;
                    is_recorded()
                }

                /// A block inside of the block's method begins a trace of its own.
                #[trace(skip)]
                fn inside(&self) -> bool {
                    trace_block!(name = "inside", sample = $sample, { is_recorded() })
                }

                #[trace(sample = $other)]
                fn other(&self) -> bool {
                    is_recorded()
                }
            }

            #[trace(sample = $sample)]
            trait Default {
                fn default_body(&self) -> bool {
                    is_recorded()
                }
            }

            impl Default for Block {}

            /// All that the hint is about, and what says something else.
            pub async fn call() -> (Vec<bool>, bool) {
                let block = Block;
                let all = vec![
                    plain(),
                    later().await,
                    made_elsewhere().await,
                    items().all(|recorded| recorded),
                    job(),
                    etl(),
                    database(),
                    performance(),
                    startup(),
                    build_step(),
                    benchmark(),
                    exchange_api(),
                    ingestion(),
                    processing(),
                    stage(),
                    storage().await,
                    workflow(),
                    block.method(),
                    block.method_later().await,
                    block.inside(),
                    block.default_body(),
                    trace_block!(name = "block", sample = $sample, { is_recorded() }),
                ];
                (all, block.other())
            }
        }
    };
}

annotated!(kept, always, never);
annotated!(dropped, never, always);
annotated!(all_of_them, 1.0, 0);
annotated!(none_of_them, 0.0, 1);

#[test]
fn a_hint_holds_on_every_annotation_and_that_of_a_method_over_that_of_its_block() {
    let runtime = many_threads();
    for sampler in [Sampler::AlwaysOff, Sampler::AlwaysOn, Sampler::RateLimit(1e-6), Sampler::Probability(0.5)] {
        let recorder = Recorder::with(Telemetry::default().with_sampler(sampler.clone()));
        for (expected, (all, other)) in [
            (true, runtime.block_on(kept::call())),
            (false, runtime.block_on(dropped::call())),
            (true, runtime.block_on(all_of_them::call())),
            (false, runtime.block_on(none_of_them::call())),
        ] {
            assert_eq!(all, vec![expected; all.len()], "{sampler}");
            assert_eq!(other, !expected, "{sampler}");
        }
        // Each of both kinds twice, and the methods that say something else twice as well.
        let spans = recorder.spans();
        assert_eq!(spans.len(), 2 * 22 + 2, "{sampler}");
    }
}
