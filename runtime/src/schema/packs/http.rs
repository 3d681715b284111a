// Made by `cargo xtask packs` of registry/packs/http.yaml.

//! Attributes of HTTP, URLs and the network, as OpenTelemetry's semantic conventions name them.

crate::attribute_group! {
    /// What a client knows of its request and of the answer.
    pub Client = "http.client" {
        /// Method of the request, such as `GET`.
        http.request.method: string in ["CONNECT" "CONNECT.", "DELETE" "DELETE.", "GET" "GET.", "HEAD" "HEAD.",
            "OPTIONS" "OPTIONS.", "PATCH" "PATCH.", "POST" "POST.", "PUT" "PUT.", "TRACE" "TRACE.", "QUERY" "QUERY.",
            "_OTHER" "A method that is not known.", ..] stable;
        /// How many times the request was sent before this one.
        http.request.resend_count: int unit "{request}" stable examples [3];
        /// Size of the answer's body.
        http.response.body.size: int unit "By" examples [50000];
        /// Status of the answer.
        http.response.status_code: int stable examples [200];
        /// Host that was called.
        server.address: string stable examples ["api.binance.com"];
        /// Port that was called.
        server.port: int stable examples [443];
        /// The whole URL; leave it out where it can hold credentials.
        url.full: string opt_in stable examples ["https://api.binance.com/api/v3/time"];
    }
}

crate::attribute_group! {
    /// What a server knows of a request and of its answer.
    pub Server = "http.server" {
        /// Address of the client, behind proxies if it is known.
        client.address: string personal stable examples ["203.0.113.7"];
        /// Size of the request's body.
        http.request.body.size: int opt_in unit "By" examples [1024];
        /// A header of the request, by its name in lower case.
        http.request.header.<key>: string[] opt_in stable examples ["[\"application/json\"]"];
        /// Size of the answer's body.
        http.response.body.size: int opt_in unit "By" examples [50000];
        /// A header of the answer, by its name in lower case.
        http.response.header.<key>: string[] opt_in stable examples ["[\"30\"]"];
        /// Status of the answer.
        http.response.status_code: int required_if "if an answer was sent" stable examples [200];
        /// Version of the protocol that was spoken.
        network.protocol.version: string stable examples ["1.1", "2"];
        /// Host the request names.
        server.address: string stable examples ["api.binance.com"];
        /// Port the request names.
        server.port: int stable examples [443];
        /// Query of the URL, without credentials.
        url.query: string required_if "if the URL has one" stable examples ["symbol=BTCUSDT&interval=1m"];
        /// User-Agent header, as it came.
        user_agent.original: string stable examples ["curl/7.68.0"];
        /// Whether the request is from a bot or a test.
        user_agent.synthetic.type: string opt_in in ["bot" "A bot.", "test" "A synthetic test.", ..];
    }
}

crate::attribute_group! {
    /// Who is at the other end of a connection.
    pub NetworkPeer = "network.peer" {
        /// Address of the other end of the connection.
        network.peer.address: string stable examples ["198.51.100.2"];
        /// Port of the other end of the connection.
        network.peer.port: int stable examples [443];
        /// Protocol of the application, in lower case.
        network.protocol.name: string stable examples ["http"];
        /// Version of the protocol that was spoken.
        network.protocol.version: string stable examples ["1.1", "2"];
        /// Protocol that carries the connection.
        network.transport: string in ["tcp" "TCP.", "udp" "UDP.", "pipe" "A named or unnamed pipe.", "unix"
            "A Unix domain socket.", "quic" "QUIC.", ..] stable;
        /// Version of the internet protocol.
        network.type: string in ["ipv4" "IPv4.", "ipv6" "IPv6.", ..] stable;
    }
}

crate::span_schema! {
    /// One request that is sent to an endpoint known by its template.
    pub ClientEndpoint = "http.client.endpoint" {
        kind = client;
        name = "{http.request.method} {url.template}";
        undeclared = allow;
        include Client;
        /// Class of the error, low in cardinality; absent if the operation succeeded.
        error.type: string required_if "if the request failed" in ["_OTHER" "An error of no known class.", ..] stable
            examples ["timeout", "429"];
        /// Size of the request's body.
        http.request.body.size: int opt_in unit "By" examples [1024];
        /// A header of the request, by its name in lower case.
        http.request.header.<key>: string[] opt_in stable examples ["[\"application/json\"]"];
        refine http.request.method required;
        /// Method as it was sent, if that is not a known one in upper case.
        http.request.method_original: string required_if "if it is not the same as `http.request.method`" stable
            examples ["GeT", "ACL"];
        refine http.request.resend_count recommended_if "if the request was sent before";
        /// Size of the request with line, headers and body.
        http.request.size: int opt_in unit "By" examples [1437];
        /// A header of the answer, by its name in lower case.
        http.response.header.<key>: string[] opt_in stable examples ["[\"30\"]"];
        /// Size of the answer with line, headers and body.
        http.response.size: int opt_in unit "By" examples [50437];
        refine http.response.status_code required_if "if an answer came";
        /// Address of the other end of the connection.
        network.peer.address: string stable examples ["198.51.100.2"];
        /// Port of the other end of the connection.
        network.peer.port: int stable examples [443];
        /// Version of the protocol that was spoken.
        network.protocol.version: string stable examples ["1.1", "2"];
        refine server.address required "Host that is called.";
        refine server.port required "Port that is called.";
        /// Name of the service on the other side of the call.
        service.peer.name: string examples ["order-service"];
        /// Scheme of the URL.
        url.scheme: string opt_in stable examples ["https"];
        /// Path of the URL with its values replaced, low in cardinality.
        url.template: string required examples ["/api/v3/klines"];
        /// User-Agent header, as it came.
        user_agent.original: string opt_in stable examples ["curl/7.68.0"];
    }
}

crate::span_schema! {
    /// One request that is sent.
    pub ClientRequest = "http.client.request" {
        kind = client;
        name = "{http.request.method}";
        undeclared = allow;
        include Client;
        /// Class of the error, low in cardinality; absent if the operation succeeded.
        error.type: string required_if "if the request failed" in ["_OTHER" "An error of no known class.", ..] stable
            examples ["timeout", "429"];
        /// Size of the request's body.
        http.request.body.size: int opt_in unit "By" examples [1024];
        /// A header of the request, by its name in lower case.
        http.request.header.<key>: string[] opt_in stable examples ["[\"application/json\"]"];
        refine http.request.method required;
        /// Method as it was sent, if that is not a known one in upper case.
        http.request.method_original: string required_if "if it is not the same as `http.request.method`" stable
            examples ["GeT", "ACL"];
        refine http.request.resend_count recommended_if "if the request was sent before";
        /// Size of the request with line, headers and body.
        http.request.size: int opt_in unit "By" examples [1437];
        /// A header of the answer, by its name in lower case.
        http.response.header.<key>: string[] opt_in stable examples ["[\"30\"]"];
        /// Size of the answer with line, headers and body.
        http.response.size: int opt_in unit "By" examples [50437];
        refine http.response.status_code required_if "if an answer came";
        /// Address of the other end of the connection.
        network.peer.address: string stable examples ["198.51.100.2"];
        /// Port of the other end of the connection.
        network.peer.port: int stable examples [443];
        /// Version of the protocol that was spoken.
        network.protocol.version: string stable examples ["1.1", "2"];
        refine server.address required "Host that is called.";
        refine server.port required "Port that is called.";
        /// Name of the service on the other side of the call.
        service.peer.name: string examples ["order-service"];
        /// Scheme of the URL.
        url.scheme: string opt_in stable examples ["https"];
        /// Path of the URL with its values replaced, low in cardinality.
        url.template: string opt_in examples ["/api/v3/klines"];
        /// User-Agent header, as it came.
        user_agent.original: string opt_in stable examples ["curl/7.68.0"];
    }
}

crate::span_schema! {
    /// One request that is answered.
    pub ServerRequest = "http.server.request" {
        kind = server;
        name = "{http.request.method} {http.route}";
        undeclared = allow;
        include Server;
        /// Port of the client.
        client.port: int opt_in stable examples [65123];
        /// Class of the error, low in cardinality; absent if the operation succeeded.
        error.type: string required_if "if the request failed" in ["_OTHER" "An error of no known class.", ..] stable
            examples ["timeout", "429"];
        /// Method of the request, such as `GET`.
        http.request.method: string required in ["CONNECT" "CONNECT.", "DELETE" "DELETE.", "GET" "GET.", "HEAD"
            "HEAD.", "OPTIONS" "OPTIONS.", "PATCH" "PATCH.", "POST" "POST.", "PUT" "PUT.", "TRACE" "TRACE.", "QUERY"
            "QUERY.", "_OTHER" "A method that is not known.", ..] stable;
        /// Method as it was sent, if that is not a known one in upper case.
        http.request.method_original: string required_if "if it is not the same as `http.request.method`" stable
            examples ["GeT", "ACL"];
        /// Size of the request with line, headers and body.
        http.request.size: int opt_in unit "By" examples [1437];
        /// Size of the answer with line, headers and body.
        http.response.size: int opt_in unit "By" examples [50437];
        /// Template of the route that took the request, low in cardinality.
        http.route: string required stable examples ["/api/users/{id}"];
        /// Address of this end of the connection.
        network.local.address: string opt_in stable examples ["198.51.100.3"];
        /// Port of this end of the connection.
        network.local.port: int opt_in stable examples [65123];
        /// Address of the other end of the connection.
        network.peer.address: string stable examples ["198.51.100.2"];
        /// Port of the other end of the connection.
        network.peer.port: int stable examples [443];
        /// Path of the URL.
        url.path: string required stable examples ["/api/build"];
        /// Scheme of the URL.
        url.scheme: string required stable examples ["https"];
    }
}

crate::span_schema! {
    /// One request that no route took.
    pub ServerUnmatched = "http.server.unmatched" {
        kind = server;
        name = "{http.request.method}";
        undeclared = allow;
        include Server;
        /// Class of the error, low in cardinality; absent if the operation succeeded.
        error.type: string required_if "if the request failed" in ["_OTHER" "An error of no known class.", ..] stable
            examples ["timeout", "429"];
        /// Method of the request, such as `GET`.
        http.request.method: string required in ["CONNECT" "CONNECT.", "DELETE" "DELETE.", "GET" "GET.", "HEAD"
            "HEAD.", "OPTIONS" "OPTIONS.", "PATCH" "PATCH.", "POST" "POST.", "PUT" "PUT.", "TRACE" "TRACE.", "QUERY"
            "QUERY.", "_OTHER" "A method that is not known.", ..] stable;
        /// Method as it was sent, if that is not a known one in upper case.
        http.request.method_original: string required_if "if it is not the same as `http.request.method`" stable
            examples ["GeT", "ACL"];
        /// Address of the other end of the connection.
        network.peer.address: string stable examples ["198.51.100.2"];
        /// Port of the other end of the connection.
        network.peer.port: int stable examples [443];
        /// Path of the URL.
        url.path: string required stable examples ["/api/build"];
        /// Scheme of the URL.
        url.scheme: string required stable examples ["https"];
    }
}

crate::event_schema! {
    /// A server refused a request because too many were sent.
    pub RateLimited = "http.rate_limited" {
        undeclared = allow;
        /// Status of the answer.
        http.response.status_code: int required stable examples [200];
        /// Time until the next attempt.
        retry.delay: double unit "s" examples [0.5];
        /// Host that is called, or that the request names.
        server.address: string stable examples ["api.binance.com"];
        /// Path of the URL with its values replaced, low in cardinality.
        url.template: string examples ["/api/v3/klines"];
    }
}
