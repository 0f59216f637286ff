//! From which address a request came: what API Gateway saw, or the peer of the local stack's front. Never a header: anybody
//! can write `X-Forwarded-For`.

use axum::extract::ConnectInfo;
use axum::http::Extensions;
use domain::address_range::AddressRange;
use lambda_http::request::RequestContext;
use std::net::{IpAddr, SocketAddr};

/// The caller's address; `None` when nobody vouches for one.
pub(super) fn address(extensions: &Extensions) -> Option<IpAddr> {
    if let Some(RequestContext::ApiGatewayV2(context)) = extensions.get::<RequestContext>() {
        return context.http.source_ip.as_deref().and_then(|text| text.parse().ok());
    }
    extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip())
}

/// Whether a key with these ranges may be used from an address. No ranges: from anywhere; no address: from nowhere.
pub(super) fn admits(ranges: &[AddressRange], address: Option<IpAddr>) -> bool {
    ranges.is_empty() || address.is_some_and(|address| ranges.iter().any(|range| range.contains(address)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;

    fn by_gateway(source: Option<&str>) -> Extensions {
        let mut context = ApiGatewayV2httpRequestContext::default();
        context.http.source_ip = source.map(str::to_owned);
        let mut extensions = Extensions::new();
        extensions.insert(RequestContext::ApiGatewayV2(context));
        extensions
    }

    #[test]
    fn the_gateways_word_counts_and_without_a_gateway_the_peers() {
        assert_eq!(address(&by_gateway(Some("203.0.113.7"))), Some([203, 0, 113, 7].into()));
        assert_eq!(address(&by_gateway(Some("2001:db8::1"))), "2001:db8::1".parse().ok());
        assert_eq!(address(&by_gateway(Some("nonsense"))), None);
        assert_eq!(address(&by_gateway(None)), None);
        let mut local = Extensions::new();
        assert_eq!(address(&local), None);
        local.insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 5))));
        assert_eq!(address(&local), Some([127, 0, 0, 1].into()));
        // A gateway that names nobody is not helped out by whoever connected to us.
        let mut silent = by_gateway(None);
        silent.insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 5))));
        assert_eq!(address(&silent), None);
    }

    #[test]
    fn a_list_admits_what_it_names_and_nobody_unknown() {
        let ranges = [AddressRange::parse("203.0.113.0/24").unwrap()];
        assert!(admits(&ranges, Some([203, 0, 113, 7].into())));
        assert!(!admits(&ranges, Some([203, 0, 114, 7].into())));
        assert!(!admits(&ranges, None));
        assert!(admits(&[], None));
    }
}
