//! Market data: calls of an exchange, ingestion and processing of what it answered.
//!
//! The `crypto.*` attributes carry the names that crypto lakehouses in production already use; everything that
//! OpenTelemetry's semantic conventions name (HTTP, server, error) has the conventions' name.

use crate::attribute_group;
use crate::span_schema;

value_enum! {
    /// The exchange that is called.
    pub Market {
        /// Binance.
        Binance = "binance",
        /// Coinbase.
        Coinbase = "coinbase",
        /// Kraken.
        Kraken = "kraken",
    }
}

value_enum! {
    /// What kind of market data an operation handles.
    pub DataType {
        /// Candlesticks.
        Klines = "klines",
        /// Trades, single or aggregated.
        Trades = "trades",
        /// Funding rates of perpetual contracts.
        FundingRates = "funding_rates",
        /// Order book snapshots and changes.
        OrderBook = "order_book",
        /// Symbols, filters and limits of the exchange.
        ExchangeInfo = "exchange_info",
    }
}

value_enum! {
    /// Which step of the pipeline an operation belongs to.
    pub ProcessingStage {
        /// Data comes in.
        Ingestion = "ingestion",
        /// Data is checked.
        Validation = "validation",
        /// Data is reshaped or aggregated.
        Transformation = "transformation",
        /// Data is written.
        Storage = "storage",
    }
}

value_enum! {
    /// The length of one candlestick.
    pub Timeframe {
        /// One minute.
        Minute = "1m",
        /// Five minutes.
        FiveMinutes = "5m",
        /// One hour.
        Hour = "1h",
        /// One day.
        Day = "1d",
    }
}

attribute_group! {
    /// Which data an operation handles.
    pub MarketData {
        crypto.symbol: string "Trading pair in the exchange's notation, such as `BTCUSDT`.";
        crypto.data_type: crate::schema::crypto::DataType "Kind of market data.";
        crypto.timeframe: crate::schema::crypto::Timeframe "Length of one candlestick.";
    }
}

attribute_group! {
    /// How much data an operation handled.
    pub DataVolume {
        crypto.record_count: int unit "{record}" "Records handled.";
        crypto.data_size_bytes: int unit "By" "Size of the data handled.";
    }
}

span_schema! {
    /// One request to the API of an exchange.
    pub ExchangeApi = "crypto.exchange_api" {
        kind = client;
        name = "{crypto.market} {url.template}";
        open;
        constant crypto.operation_type = "api_call";
        include crate::schema::crypto::MarketData;
        include crate::schema::crypto::DataVolume;
        include crate::schema::http::Client;
        crypto.market: Market required "Exchange that is called.";
        url.template: string required "Path of the endpoint, without values: `/api/v3/klines`.";
        crypto.rate_limit.used_weight: int unit "{weight}" "Weight used in the current minute, as the exchange counts it.";
        crypto.rate_limit.limit: int unit "{weight}" "Weight allowed in a minute.";
        crypto.retry_after: double unit "s" "How long the exchange asked the caller to wait.";
    }
}

span_schema! {
    /// Fetching and parsing the data of one kind.
    pub Ingestion = "crypto.ingestion" {
        name = "ingest {crypto.data_type}";
        open;
        constant crypto.operation_type = "data_ingestion";
        constant crypto.processing_stage = "ingestion";
        include crate::schema::crypto::DataVolume;
        crypto.data_type: DataType required "Kind of market data.";
        crypto.symbol: string "Trading pair in the exchange's notation, such as `BTCUSDT`.";
        crypto.timeframe: Timeframe "Length of one candlestick.";
        crypto.market: Market "Exchange the data comes from.";
    }
}

span_schema! {
    /// Checking, reshaping or aggregating data.
    pub Processing = "crypto.processing" {
        name = "{crypto.processing_stage} {crypto.data_type}";
        open;
        constant crypto.operation_type = "data_processing";
        include crate::schema::crypto::DataVolume;
        crypto.processing_stage: ProcessingStage required "Step of the pipeline.";
        crypto.data_type: DataType required "Kind of market data.";
        crypto.symbol: string "Trading pair in the exchange's notation, such as `BTCUSDT`.";
        crypto.timeframe: Timeframe "Length of one candlestick.";
        crypto.market: Market "Exchange the data comes from.";
        crypto.validation_rate: double unit "%" "Share of records that passed validation, 0 to 100.";
        crypto.rejected_count: int unit "{record}" "Records that did not pass validation.";
    }
}
