// Made by `cargo xtask packs` of registry/packs/crypto.yaml.

//! Market data: calls of an exchange, ingestion and processing of what it answered.

crate::attribute_group! {
    /// How much data an operation handled.
    pub DataVolume = "crypto.data_volume" {
        /// Size of the data handled.
        crypto.data_size_bytes: int unit "By" examples [72000];
        /// Records handled.
        crypto.record_count: int unit "{record}" examples [1440];
    }
}

crate::attribute_group! {
    /// Which data an operation handles.
    pub MarketData = "crypto.market_data" {
        /// Kind of market data.
        crypto.data_type: DataType;
        /// Trading pair in the exchange's notation, such as `BTCUSDT`.
        crypto.symbol: string examples ["BTCUSDT", "ETHUSDT"];
        /// Length of one candlestick.
        crypto.timeframe: Timeframe;
    }
}

crate::attribute_group! {
    /// How much of an exchange's allowance is used.
    pub RateLimit = "crypto.rate_limit" {
        /// Weight allowed in a minute.
        crypto.rate_limit.limit: int unit "{weight}" examples [6000];
        /// Orders sent in the shortest interval that the exchange counts, as it counts them.
        crypto.rate_limit.order_count: int unit "{order}" examples [4];
        /// Weight used in the current minute, as the exchange counts it.
        crypto.rate_limit.used_weight: int unit "{weight}" examples [1100];
        /// How long the exchange asked the caller to wait.
        crypto.retry_after: double unit "s" examples [30.0];
    }
}

crate::span_schema! {
    /// One request to the API of an exchange.
    pub ExchangeApi = "crypto.exchange_api" {
        kind = client;
        name = "{crypto.market} {url.template}";
        undeclared = allow;
        constant crypto.operation_type = "api_call";
        include MarketData;
        include DataVolume;
        include crate::schema::http::Client;
        /// Exchange that is called.
        crypto.market: Market required;
        /// Weight allowed in a minute.
        crypto.rate_limit.limit: int unit "{weight}" examples [6000];
        /// Orders sent in the shortest interval that the exchange counts, as it counts them.
        crypto.rate_limit.order_count: int unit "{order}" examples [4];
        /// Weight used in the current minute, as the exchange counts it.
        crypto.rate_limit.used_weight: int unit "{weight}" examples [1100];
        /// How long the exchange asked the caller to wait.
        crypto.retry_after: double unit "s" examples [30.0];
        /// Path of the endpoint, without values: `/api/v3/klines`.
        url.template: string required examples ["/api/v3/klines"];
    }
}

crate::span_schema! {
    /// Fetching and parsing the data of one kind.
    pub Ingestion = "crypto.ingestion" {
        name = "ingest {crypto.data_type}";
        undeclared = allow;
        constant crypto.operation_type = "data_ingestion";
        constant crypto.processing_stage = "ingestion";
        include DataVolume;
        /// Kind of market data.
        crypto.data_type: DataType required;
        /// Exchange the data comes from.
        crypto.market: Market;
        /// Trading pair in the exchange's notation, such as `BTCUSDT`.
        crypto.symbol: string examples ["BTCUSDT", "ETHUSDT"];
        /// Length of one candlestick.
        crypto.timeframe: Timeframe;
    }
}

crate::span_schema! {
    /// Checking, reshaping or aggregating data.
    pub Processing = "crypto.processing" {
        name = "{crypto.processing_stage} {crypto.data_type}";
        undeclared = allow;
        constant crypto.operation_type = "data_processing";
        include DataVolume;
        /// Kind of market data.
        crypto.data_type: DataType required;
        /// Exchange the data comes from.
        crypto.market: Market;
        /// Step of the pipeline.
        crypto.processing_stage: ProcessingStage required;
        /// Records that did not pass validation.
        crypto.rejected_count: int unit "{record}" examples [3];
        /// Trading pair in the exchange's notation, such as `BTCUSDT`.
        crypto.symbol: string examples ["BTCUSDT", "ETHUSDT"];
        /// Length of one candlestick.
        crypto.timeframe: Timeframe;
        /// Share of records that passed validation, 0 to 100.
        crypto.validation_rate: double unit "%" examples [99.9];
    }
}

crate::event_schema! {
    /// Records did not pass validation and are left out.
    pub DataRejected = "crypto.data_rejected" {
        undeclared = allow;
        include MarketData;
        /// Records that did not pass validation.
        crypto.rejected_count: int required unit "{record}" examples [3];
        /// Share of records that passed validation, 0 to 100.
        crypto.validation_rate: double unit "%" examples [99.9];
    }
}

crate::event_schema! {
    /// An exchange refused or delayed a request because too many were sent.
    pub RateLimited = "crypto.rate_limited" {
        undeclared = allow;
        include RateLimit;
        /// Exchange that was called.
        crypto.market: Market required;
        /// Status of the answer.
        http.response.status_code: int stable examples [200];
        /// Path of the URL with its values replaced, low in cardinality.
        url.template: string examples ["/api/v3/klines"];
    }
}

/// Kind of market data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, crate::AttributeEnum)]
pub enum DataType {
    /// Candlesticks.
    Klines,
    /// Trades, single or aggregated.
    Trades,
    /// Funding rates of perpetual contracts.
    FundingRates,
    /// Order book snapshots and changes.
    OrderBook,
    /// Symbols, filters and limits of the exchange.
    ExchangeInfo,
}

/// Length of one candlestick.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, crate::AttributeEnum)]
pub enum Timeframe {
    /// One minute.
    #[attribute(value = "1m")]
    Minute,
    /// Five minutes.
    #[attribute(value = "5m")]
    FiveMinutes,
    /// One hour.
    #[attribute(value = "1h")]
    Hour,
    /// One day.
    #[attribute(value = "1d")]
    Day,
}

/// Exchange the operation is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, crate::AttributeEnum)]
pub enum Market {
    /// Binance.
    Binance,
    /// Bitfinex.
    Bitfinex,
    /// bitFlyer.
    Bitflyer,
    /// Bitget.
    Bitget,
    /// Bithumb.
    Bithumb,
    /// BitMEX.
    Bitmex,
    /// Bitstamp.
    Bitstamp,
    /// Bybit.
    Bybit,
    /// Coinbase.
    Coinbase,
    /// Crypto.com.
    CryptoCom,
    /// Deribit.
    Deribit,
    /// dYdX.
    Dydx,
    /// Gate.
    Gate,
    /// Gemini.
    Gemini,
    /// HTX, formerly Huobi.
    Htx,
    /// Hyperliquid.
    Hyperliquid,
    /// Kraken.
    Kraken,
    /// KuCoin.
    Kucoin,
    /// MEXC.
    Mexc,
    /// OKX, formerly OKEx.
    Okx,
    /// Phemex.
    Phemex,
    /// Poloniex.
    Poloniex,
    /// Upbit.
    Upbit,
    /// WhiteBIT.
    Whitebit,
}

/// Step of the pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, crate::AttributeEnum)]
pub enum ProcessingStage {
    /// Data comes in.
    Ingestion,
    /// Data is checked.
    Validation,
    /// Data is reshaped or aggregated.
    Transformation,
    /// Data is written.
    Storage,
}
