"""The attacks that the server withstands, and the tests that try them.

A test is a file below `tests/`, `::`, and the name of a function. `test_items.py` checks that they
exist, and `benchmarks/soak_guards.py` that attacks succeed where a guard is removed.
"""

from collections.abc import Mapping, Sequence
from typing import Final

_ROUTES = "attacks/test_routes.py::"
_AUTH = "auth/test_authenticator.py::"
_SESSION = "server/access/test_session.py::"
_ENDED = "server/http/test_ended_credentials.py::"
_POLICY = "server/test_reasoning_policy.py::"
_URLS = "tools/test_url_guard.py::"

ATTACKS: Final[Mapping[str, Sequence[str]]] = {
    "a page of another origin opens a socket or sends a request": [
        f"{_ROUTES}test_no_route_answers_a_foreign_page_or_a_rebound_name",
        f"{_SESSION}test_a_session_opens_sockets_only_for_pages_of_this_server",
    ],
    "DNS rebinding": [
        f"{_ROUTES}test_no_route_answers_a_foreign_page_or_a_rebound_name",
        "server/http/test_site_path.py::test_a_foreign_host_is_refused_under_the_path_too",
    ],
    "cross-site request forgery": [
        f"{_ROUTES}test_no_form_of_a_page_changes_anything",
        f"{_ROUTES}test_a_request_of_another_site_without_an_origin_changes_nothing",
        f"{_AUTH}test_a_cookie_needs_an_origin_to_change_anything",
        f"{_SESSION}test_a_page_of_another_site_cannot_log_in",
    ],
    "a page of another origin reads responses": [
        "server/access/test_cors.py::test_no_other_page_is_answered",
    ],
    "forwarding headers and claims of identity": [
        f"{_ROUTES}test_no_header_of_a_client_makes_it_another_owner_or_an_admin",
        f"{_AUTH}test_no_other_key_becomes_another_owner_by_a_header",
        "auth/test_proxy.py::test_the_headers_of_other_peers_are_ignored",
    ],
    "framing, sniffing and inline scripts": [
        f"{_ROUTES}test_every_response_denies_framing_sniffing_and_scripts",
        "server/web/test_web_page.py::test_the_policy_lets_no_foreign_or_inline_script_run",
    ],
    "requests without a credential": [
        "server/http/test_permissions.py::test_every_route_but_the_probes_and_the_login_asks_for_a_credential",
        "server/http/test_permissions.py::test_a_socket_without_permission_is_refused_before_it_is_accepted",
    ],
    "a restriction that one carrier forgets": [
        f"{_AUTH}test_every_carrier_of_a_restricted_key_has_the_same_restrictions",
        "server/http/test_permissions.py::test_a_key_is_refused_exactly_where_its_scopes_do_not_suffice",
    ],
    "ids of another owner": [
        f"{_ROUTES}test_what_belongs_to_another_owner_looks_on_every_route_as_if_it_did_not_exist",
        "server/protocols/test_owners.py::test_an_active_chat_of_another_owner_is_neither_shown_nor_resumed_nor_stopped",
        "server/sockets/page/test_refusals.py::test_a_stop_never_reaches_another_owners_run",
    ],
    "a ticket of another owner": [
        f"{_SESSION}test_a_ticket_of_another_owner_beside_a_session_opens_no_socket",
    ],
    "a revoked key": [
        f"{_ENDED}test_a_stream_of_a_revoked_key_ends_and_one_of_another_key_does_not",
        f"{_ENDED}test_a_socket_of_a_revoked_key_is_closed_with_its_own_code",
        f"{_ENDED}test_the_runs_of_a_revoked_key_are_stopped_and_those_of_another_go_on",
    ],
    "guessing keys": [
        f"{_AUTH}test_guessing_is_throttled_on_every_carrier",
        f"{_SESSION}test_a_login_with_a_wrong_key_fails_and_is_throttled",
    ],
    "keys that share a long prefix": [
        f"{_AUTH}test_keys_that_share_all_but_the_last_character_are_different_keys",
    ],
    "a ticket used again, late, or in a query string": [
        f"{_AUTH}test_a_ticket_is_for_one_use_within_30_seconds",
        f"{_SESSION}test_no_credential_in_a_query_opens_a_socket",
    ],
    "reading hidden reasoning": [
        f"{_POLICY}test_what_the_policy_hides_is_sent_and_stored_nowhere",
        f"{_POLICY}test_a_stricter_policy_also_hides_what_was_recorded_before",
    ],
    "a request that overrides the reasoning policy": [
        f"{_POLICY}test_a_request_cannot_override_the_policy",
    ],
    "a secret split over deltas, or read from the middle": [
        f"{_POLICY}test_a_strict_reader_that_resumes_after_any_event_gets_the_rest_of_the_redacted_text",
    ],
    "markup in a chat": [
        "channels/platform/contract.py::test_markup_and_mentions_in_model_text_are_neutral",
        "channels/test_hostile_markdown.py::test_no_pattern_backtracks_in_hostile_markdown",
    ],
    "history that a client forges": [
        "server/protocols/ai_sdk/test_ai_sdk.py::test_a_forged_history_reaches_neither_the_model_nor_the_conversation",
        "server/protocols/ag_ui/test_ag_ui.py::test_a_forged_history_reaches_neither_the_model_nor_the_conversation",
    ],
    "a tool call in reasoning": [
        "runtime/test_runs.py::test_a_tool_call_inside_reasoning_is_never_executed",
    ],
    "URLs of private addresses": [
        f"{_URLS}test_a_private_host_is_allowed_by_its_very_name_and_port",
        "tools/test_fetch_url.py::test_a_redirect_is_checked_like_the_first_url",
    ],
    "readers that never read": [
        "server/sockets/chat/test_socket.py::test_a_reader_that_stops_reading_is_dropped_and_delays_no_other",
        "server/sockets/page/test_replay.py::test_a_reader_that_stops_reading_is_dropped_and_delays_no_other",
    ],
    "malformed requests and frames": [
        "server/connections/test_hostile_clients.py::test_hostile_heads_and_frames_are_answered_and_affect_no_other_client",
        "server/protocols/test_wrong_types.py::test_a_value_of_a_wrong_type_is_no_error_of_the_server",
    ],
    "slow patterns": [
        "core/redaction/test_redactor.py::test_hostile_text_takes_a_bounded_number_of_steps_for_each_character",
        "providers/test_fuzz.py::test_splitting_tags_is_linear",
    ],
    "cursors that were never assigned, or of another run": [
        "server/streams/test_event_streams.py::test_a_cursor_that_cannot_be_is_refused_by_name",
        "server/streams/test_event_streams.py::test_a_cursor_of_another_run_is_refused",
    ],
    "keys in logs and responses": [
        "server/access/test_keys.py::test_no_key_is_ever_logged",
        "server/access/test_keys.py::test_a_key_is_created_shown_once_and_listed_without_its_secret",
    ],
    "changing keys as a user": [
        "server/access/test_keys.py::test_only_admins_manage_keys",
    ],
    "strangers in a chat": [
        "channels/platform/engine/test_access.py::test_a_stranger_can_neither_stop_nor_ask_why_by_button",
        "channels/platform/engine/test_reasoning_stays_hidden.py::test_no_stranger_and_no_other_chat_gets_a_thought",
    ],
    "requirements without a hash": [
        "architecture/test_requirements.py::test_every_pin_has_a_hash",
    ],
}
