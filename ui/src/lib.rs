//! Web kit of both sites: layout, components, charts, assets, sessions, sign-in, people and roles, security headers, TLS.
