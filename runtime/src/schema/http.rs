//! Attributes of HTTP, as OpenTelemetry's semantic conventions name them.

use crate::attribute_group;

attribute_group! {
    /// What a client knows of its request and of the answer.
    pub Client {
        http.request.method: string "Method of the request, such as `GET`.";
        http.request.resend_count: int unit "{request}" "How many times the request was sent before this one.";
        http.response.status_code: int "Status of the answer.";
        http.response.body.size: int unit "By" "Size of the answer's body.";
        server.address: string "Host that was called.";
        server.port: int "Port that was called.";
        url.full: string opt_in "The whole URL; leave it out where it can hold credentials.";
    }
}
