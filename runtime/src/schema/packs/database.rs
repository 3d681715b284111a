// Made by `cargo xtask packs` of registry/packs/database.yaml.

//! Calls of databases and of key-value stores.

crate::attribute_group! {
    /// What makes a query slow or unusual.
    pub Analysis = "database.analysis" {
        /// Joins, subqueries and set operations in the query.
        database.query_complexity: int opt_in unit "{clause}" examples [2];
        /// Shape of the query, low in cardinality.
        database.query_pattern: string examples ["select_by_id", "full_scan"];
        /// Whether the operation took longer than its threshold.
        performance.slow: boolean;
        /// Time above which the operation counts as slow.
        performance.slow_threshold: double unit "s" examples [0.2];
    }
}

crate::attribute_group! {
    /// What a client knows of a call of a database.
    pub Call = "database.call" {
        /// Name of the database within the server.
        db.namespace: string stable examples ["sales"];
        /// Operations sent together, if there is more than one.
        db.operation.batch.size: int unit "{operation}" stable examples [100];
        /// The query in a few words, low in cardinality.
        db.query.summary: string stable examples ["SELECT sales_transactions"];
        /// Text of the query, without the values of its literals.
        db.query.text: string opt_in stable examples ["SELECT * FROM sales_transactions WHERE id = ?"];
        /// Rows the database returned.
        db.response.returned_rows: int unit "{row}" examples [10];
        /// Status the database answered, as text.
        db.response.status_code: string required_if "if the call failed and the database gave a status" stable examples
            ["40001"];
        /// Class of the error, low in cardinality; absent if the operation succeeded.
        error.type: string required_if "if the call failed" in ["_OTHER" "An error of no known class.", ..] stable
            examples ["timeout", "429"];
        /// Host that is called, or that the request names.
        server.address: string stable examples ["api.binance.com"];
        /// Port that is called, or that the request names.
        server.port: int stable examples [443];
    }
}

crate::span_schema! {
    /// One command of a key-value store such as Redis.
    pub Command = "database.command" {
        kind = client;
        name = "{db.operation.name}";
        undeclared = allow;
        include Call;
        /// What sort of command a key-value store runs.
        database.command_category: CommandCategory;
        /// Key with its variable parts replaced, low in cardinality.
        database.key_pattern: string examples ["user:{id}:cart"];
        /// Operation or command that is run.
        db.operation.name: string required stable examples ["INSERT", "HMSET"];
        /// A parameter of the operation; its value can be sensitive.
        db.operation.parameter.<key>: string opt_in sensitive examples ["42"];
        /// Database product, as the client knows it.
        db.system.name: string required in ["other_sql" "Some other SQL database. Fallback only.", "softwareag.adabas"
            "Adabas (Adaptable Database System).", "actian.ingres" "Actian Ingres.", "aws.dynamodb" "Amazon DynamoDB.",
            "aws.redshift" "Amazon Redshift.", "azure.cosmosdb" "Azure Cosmos DB.", "intersystems.cache"
            "InterSystems Caché.", "cassandra" "Apache Cassandra.", "clickhouse" "ClickHouse.", "cockroachdb"
            "CockroachDB.", "couchbase" "Couchbase.", "couchdb" "Apache CouchDB.", "derby" "Apache Derby.",
            "elasticsearch" "Elasticsearch.", "firebirdsql" "Firebird.", "gcp.spanner" "Google Cloud Spanner.", "geode"
            "Apache Geode.", "h2database" "H2 Database.", "hbase" "Apache HBase.", "hive" "Apache Hive.", "hsqldb"
            "HyperSQL Database.", "ibm.db2" "IBM Db2.", "ibm.informix" "IBM Informix.", "ibm.netezza" "IBM Netezza.",
            "influxdb" "InfluxDB.", "instantdb" "Instant.", "mariadb" "MariaDB.", "memcached" "Memcached.", "mongodb"
            "MongoDB.", "microsoft.sql_server" "Microsoft SQL Server.", "mysql" "MySQL.", "neo4j" "Neo4j.",
            "opensearch" "OpenSearch.", "oracle.db" "Oracle Database.", "postgresql" "PostgreSQL.", "redis" "Redis.",
            "sap.hana" "SAP HANA.", "sap.maxdb" "SAP MaxDB.", "sqlite" "SQLite.", "teradata" "Teradata.", "trino"
            "Trino.", ..] stable;
        /// Address of the other end of the connection.
        network.peer.address: string opt_in stable examples ["198.51.100.2"];
        /// Port of the other end of the connection.
        network.peer.port: int opt_in stable examples [443];
        /// Whether the operation took longer than its threshold.
        performance.slow: boolean;
        /// Time above which the operation counts as slow.
        performance.slow_threshold: double unit "s" examples [0.2];
    }
}

crate::span_schema! {
    /// One query of a database, as its client sees it.
    pub Query = "database.query" {
        kind = client;
        name = "{db.operation.name} {db.collection.name}";
        undeclared = allow;
        include Call;
        include Analysis;
        /// Rows the statement inserted, changed or deleted.
        database.affected_rows: int unit "{row}" examples [3];
        /// Name of the connection pool.
        db.client.connection.pool.name: string opt_in examples ["reporting"];
        /// Table or collection the call is about.
        db.collection.name: string required stable examples ["sales_transactions"];
        /// Operation or command that is run.
        db.operation.name: string required stable examples ["INSERT", "HMSET"];
        /// A parameter of the query; its value can be sensitive.
        db.query.parameter.<key>: string opt_in sensitive examples ["42"];
        /// Stored procedure that is called.
        db.stored_procedure.name: string recommended_if "if a stored procedure is called" stable examples ["close_day"];
        /// Database product, as the client knows it.
        db.system.name: string required in ["other_sql" "Some other SQL database. Fallback only.", "softwareag.adabas"
            "Adabas (Adaptable Database System).", "actian.ingres" "Actian Ingres.", "aws.dynamodb" "Amazon DynamoDB.",
            "aws.redshift" "Amazon Redshift.", "azure.cosmosdb" "Azure Cosmos DB.", "intersystems.cache"
            "InterSystems Caché.", "cassandra" "Apache Cassandra.", "clickhouse" "ClickHouse.", "cockroachdb"
            "CockroachDB.", "couchbase" "Couchbase.", "couchdb" "Apache CouchDB.", "derby" "Apache Derby.",
            "elasticsearch" "Elasticsearch.", "firebirdsql" "Firebird.", "gcp.spanner" "Google Cloud Spanner.", "geode"
            "Apache Geode.", "h2database" "H2 Database.", "hbase" "Apache HBase.", "hive" "Apache Hive.", "hsqldb"
            "HyperSQL Database.", "ibm.db2" "IBM Db2.", "ibm.informix" "IBM Informix.", "ibm.netezza" "IBM Netezza.",
            "influxdb" "InfluxDB.", "instantdb" "Instant.", "mariadb" "MariaDB.", "memcached" "Memcached.", "mongodb"
            "MongoDB.", "microsoft.sql_server" "Microsoft SQL Server.", "mysql" "MySQL.", "neo4j" "Neo4j.",
            "opensearch" "OpenSearch.", "oracle.db" "Oracle Database.", "postgresql" "PostgreSQL.", "redis" "Redis.",
            "sap.hana" "SAP HANA.", "sap.maxdb" "SAP MaxDB.", "sqlite" "SQLite.", "teradata" "Teradata.", "trino"
            "Trino.", ..] stable;
        /// Address of the other end of the connection.
        network.peer.address: string opt_in stable examples ["198.51.100.2"];
        /// Port of the other end of the connection.
        network.peer.port: int opt_in stable examples [443];
    }
}

crate::span_schema! {
    /// A transaction, from its start to commit or rollback.
    pub Transaction = "database.transaction" {
        kind = client;
        name = "transaction {db.namespace}";
        undeclared = allow;
        /// Name of the database within the server.
        db.namespace: string required stable examples ["sales"];
        /// How the transaction ended: `COMMIT` or `ROLLBACK`.
        db.operation.name: string stable examples ["INSERT", "HMSET"];
        /// Database product, as the client knows it.
        db.system.name: string required in ["other_sql" "Some other SQL database. Fallback only.", "softwareag.adabas"
            "Adabas (Adaptable Database System).", "actian.ingres" "Actian Ingres.", "aws.dynamodb" "Amazon DynamoDB.",
            "aws.redshift" "Amazon Redshift.", "azure.cosmosdb" "Azure Cosmos DB.", "intersystems.cache"
            "InterSystems Caché.", "cassandra" "Apache Cassandra.", "clickhouse" "ClickHouse.", "cockroachdb"
            "CockroachDB.", "couchbase" "Couchbase.", "couchdb" "Apache CouchDB.", "derby" "Apache Derby.",
            "elasticsearch" "Elasticsearch.", "firebirdsql" "Firebird.", "gcp.spanner" "Google Cloud Spanner.", "geode"
            "Apache Geode.", "h2database" "H2 Database.", "hbase" "Apache HBase.", "hive" "Apache Hive.", "hsqldb"
            "HyperSQL Database.", "ibm.db2" "IBM Db2.", "ibm.informix" "IBM Informix.", "ibm.netezza" "IBM Netezza.",
            "influxdb" "InfluxDB.", "instantdb" "Instant.", "mariadb" "MariaDB.", "memcached" "Memcached.", "mongodb"
            "MongoDB.", "microsoft.sql_server" "Microsoft SQL Server.", "mysql" "MySQL.", "neo4j" "Neo4j.",
            "opensearch" "OpenSearch.", "oracle.db" "Oracle Database.", "postgresql" "PostgreSQL.", "redis" "Redis.",
            "sap.hana" "SAP HANA.", "sap.maxdb" "SAP MaxDB.", "sqlite" "SQLite.", "teradata" "Teradata.", "trino"
            "Trino.", ..] stable;
        /// Class of the error, low in cardinality; absent if the operation succeeded.
        error.type: string required_if "if the transaction failed" in ["_OTHER" "An error of no known class.", ..]
            stable examples ["timeout", "429"];
        /// Host that is called, or that the request names.
        server.address: string stable examples ["api.binance.com"];
        /// Port that is called, or that the request names.
        server.port: int stable examples [443];
    }
}

crate::event_schema! {
    /// A query took longer than its threshold.
    pub SlowQuery = "database.slow_query" {
        undeclared = allow;
        /// Shape of the query, low in cardinality.
        database.query_pattern: string examples ["select_by_id", "full_scan"];
        /// Table or collection the call is about.
        db.collection.name: string stable examples ["sales_transactions"];
        /// Operation or command that is run.
        db.operation.name: string stable examples ["INSERT", "HMSET"];
        /// The query in a few words, low in cardinality.
        db.query.summary: string stable examples ["SELECT sales_transactions"];
        /// Database product, as the client knows it.
        db.system.name: string in ["other_sql" "Some other SQL database. Fallback only.", "softwareag.adabas"
            "Adabas (Adaptable Database System).", "actian.ingres" "Actian Ingres.", "aws.dynamodb" "Amazon DynamoDB.",
            "aws.redshift" "Amazon Redshift.", "azure.cosmosdb" "Azure Cosmos DB.", "intersystems.cache"
            "InterSystems Caché.", "cassandra" "Apache Cassandra.", "clickhouse" "ClickHouse.", "cockroachdb"
            "CockroachDB.", "couchbase" "Couchbase.", "couchdb" "Apache CouchDB.", "derby" "Apache Derby.",
            "elasticsearch" "Elasticsearch.", "firebirdsql" "Firebird.", "gcp.spanner" "Google Cloud Spanner.", "geode"
            "Apache Geode.", "h2database" "H2 Database.", "hbase" "Apache HBase.", "hive" "Apache Hive.", "hsqldb"
            "HyperSQL Database.", "ibm.db2" "IBM Db2.", "ibm.informix" "IBM Informix.", "ibm.netezza" "IBM Netezza.",
            "influxdb" "InfluxDB.", "instantdb" "Instant.", "mariadb" "MariaDB.", "memcached" "Memcached.", "mongodb"
            "MongoDB.", "microsoft.sql_server" "Microsoft SQL Server.", "mysql" "MySQL.", "neo4j" "Neo4j.",
            "opensearch" "OpenSearch.", "oracle.db" "Oracle Database.", "postgresql" "PostgreSQL.", "redis" "Redis.",
            "sap.hana" "SAP HANA.", "sap.maxdb" "SAP MaxDB.", "sqlite" "SQLite.", "teradata" "Teradata.", "trino"
            "Trino.", ..] stable;
        /// Time above which the operation counts as slow.
        performance.slow_threshold: double required unit "s" examples [0.2];
    }
}

/// What sort of command a key-value store runs.
#[derive(Clone, Debug, PartialEq, Eq, Hash, crate::AttributeEnum)]
pub enum CommandCategory {
    /// Reads keys.
    Read,
    /// Writes or removes keys.
    Write,
    /// Publishes or subscribes.
    Pubsub,
    /// Begins, ends or watches a transaction.
    Transaction,
    /// Runs code in the store.
    Script,
    /// Manages the store.
    Admin,
    /// Any other value.
    #[attribute(other)]
    Other(String),
}
