"""The attacks that the server withstands, and the tests that try them.

A test is a file below `tests/`, `::`, and the name of a function; or a file of the page, `::`, and
the name of its test. `test_items.py` checks that they exist, and `benchmarks/attacks/soak_guards.py` that
attacks succeed where a guard is removed.
"""

from collections.abc import Mapping, Sequence
from typing import Final

_PAGES = "attacks/test_routes.py::"
_KEYS = "attacks/test_credentials.py::"
_OWNERS = "attacks/test_owners.py::"
_LIMITS = "attacks/test_limits.py::"
_REASONING = "attacks/test_reasoning.py::"
_HOSTILE = "attacks/test_hostile_requests.py::"
_SECRETS = "attacks/test_secrets.py::"
_AUTH = "auth/test_authenticator.py::"
_SESSION = "server/access/test_session.py::"
_POLICY = "server/test_reasoning_policy.py::"
_URLS = "tools/test_url_guard.py::"
_FETCH = "tools/test_fetch_url.py::"
_WORKSPACE = "tools/test_workspace.py::"
_UPLOAD = "server/api/test_upload.py::"
_CHANNEL = "channels/platform/contract.py::"
_FAILURES = "e2e/failures/"

ATTACKS: Final[Mapping[str, Sequence[str]]] = {
    # Pages of other origins
    "a foreign page opens a socket": [
        f"{_PAGES}test_no_route_answers_a_foreign_page_or_a_rebound_name",
        f"{_PAGES}test_a_request_of_another_site_without_an_origin_changes_nothing",
        f"{_SESSION}test_a_session_opens_sockets_only_for_pages_of_this_server",
        "server/http/test_guard.py::test_a_foreign_page_gets_nothing_and_starts_nothing",
    ],
    "DNS rebinding": [
        f"{_PAGES}test_no_route_answers_a_foreign_page_or_a_rebound_name",
        "server/http/test_guard.py::test_a_name_that_is_not_the_servers_own_is_misdirected_everywhere",
        "server/http/test_site_path.py::test_a_foreign_host_is_refused_under_the_path_too",
    ],
    "cross-site request forgery": [
        f"{_PAGES}test_no_form_of_a_page_changes_anything",
        f"{_PAGES}test_no_form_with_a_file_is_taken_from_another_site",
        f"{_PAGES}test_a_request_of_another_site_without_an_origin_changes_nothing",
        f"{_PAGES}test_a_login_of_the_browser_changes_nothing_without_an_origin",
        f"{_PAGES}test_nothing_is_changed_by_reading",
        f"{_SESSION}test_a_page_of_another_site_cannot_log_in",
    ],
    "a foreign page reads responses": [
        f"{_PAGES}test_no_preflight_of_a_foreign_page_is_granted",
        "server/access/test_cors.py::test_no_other_page_is_answered",
    ],
    "forwarding headers of anybody": [
        f"{_PAGES}test_no_header_of_a_client_makes_it_another_owner_or_an_admin",
        f"{_PAGES}test_no_route_answers_a_foreign_page_or_a_rebound_name",
        "auth/test_proxy.py::test_the_headers_of_other_peers_are_ignored",
        "server/http/test_guard.py::test_what_a_proxy_claims_changes_nothing",
    ],
    "framing, sniffing and inline scripts": [
        f"{_PAGES}test_every_response_denies_framing_sniffing_and_scripts",
        "server/web/test_web_page.py::test_the_policy_lets_no_foreign_or_inline_script_run",
    ],
    # Authentication and authorization
    "requests without a credential": [
        f"{_KEYS}test_every_way_in_asks_for_a_credential",
        "server/http/test_permissions.py::test_an_unknown_path_requires_a_credential_like_a_known_one",
        "server/http/test_permissions.py::test_a_route_added_to_the_app_requires_a_credential",
    ],
    "a restriction that one carrier or protocol forgets": [
        f"{_KEYS}test_a_restricted_key_is_as_restricted_by_every_carrier_on_every_protocol",
        f"{_LIMITS}test_a_limit_that_is_spent_on_one_protocol_is_spent_on_all",
        f"{_LIMITS}test_no_protocol_has_a_word_for_more_effort_than_a_key_permits",
        f"{_LIMITS}test_many_messages_at_once_pass_no_limit",
        f"{_AUTH}test_every_carrier_of_a_restricted_key_has_the_same_restrictions",
        "server/http/test_permissions.py::test_a_key_is_refused_exactly_where_its_scopes_do_not_suffice",
    ],
    "ids of another owner": [
        f"{_OWNERS}test_what_belongs_to_another_owner_looks_on_every_route_as_if_it_did_not_exist",
        f"{_OWNERS}test_another_owners_id_costs_as_much_work_as_one_that_never_existed",
        f"{_OWNERS}test_a_message_that_names_another_owners_object_finds_what_it_would_without",
        f"{_OWNERS}test_a_conversation_and_an_idempotency_key_of_another_owner_are_ones_own",
        f"{_LIMITS}test_a_header_with_the_name_of_another_owners_conversation_shows_nothing_of_it",
        "server/protocols/test_owners.py::test_an_active_chat_of_another_owner_is_neither_shown_nor_resumed_nor_stopped",
        "server/protocols/openai_responses/test_owners.py::test_a_response_of_another_owner_is_like_one_that_never_existed",
    ],
    "a socket that reconnects to another owner's chat": [
        f"{_OWNERS}test_a_reconnecting_socket_reaches_nothing_of_another_owner",
        "server/sockets/page/test_refusals.py::test_a_stop_never_reaches_another_owners_run",
    ],
    "claims of identity in headers, queries, bodies and frames": [
        f"{_KEYS}test_what_a_message_claims_about_its_sender_changes_nothing",
        f"{_AUTH}test_no_other_key_becomes_another_owner_by_a_header",
    ],
    "a revoked key": [
        f"{_KEYS}test_a_key_that_ends_closes_its_stream_on_every_protocol",
        f"{_KEYS}test_a_key_that_ends_closes_everything_that_it_follows",
        f"{_REASONING}test_a_response_is_what_the_key_permits_when_it_is_sent",
        "server/http/test_ended_credentials.py::test_the_runs_of_a_revoked_key_are_stopped_and_others_continue",
    ],
    "guessing keys": [
        f"{_KEYS}test_guesses_count_together_on_every_route_and_carrier",
        f"{_OWNERS}test_a_wrong_secret_costs_as_much_work_as_an_unknown_key",
        f"{_AUTH}test_guessing_is_throttled_on_every_carrier",
    ],
    "keys that share a long prefix": [
        f"{_AUTH}test_keys_that_share_all_but_the_last_character_are_different_keys",
    ],
    "a server for other machines without keys": [
        "cli/commands/keys/test_keys.py::test_a_server_open_to_other_machines_needs_an_admin_key",
        "server/connections/test_serve.py::test_an_address_that_others_can_reach_is_refused",
    ],
    "a ticket used again, late, by another owner, or in a query string": [
        f"{_AUTH}test_a_ticket_is_for_one_use_within_30_seconds",
        f"{_AUTH}test_a_ticket_only_opens_sockets",
        f"{_SESSION}test_a_ticket_of_another_owner_beside_a_session_opens_no_socket",
        f"{_KEYS}test_no_credential_in_a_query_opens_anything",
        f"{_KEYS}test_no_credential_is_logged_or_sent_back",
    ],
    # Reasoning
    "reading hidden reasoning": [
        f"{_POLICY}test_what_the_policy_hides_is_sent_and_stored_nowhere",
        f"{_POLICY}test_a_stricter_policy_also_hides_what_was_recorded_before",
        f"{_POLICY}test_the_policy_of_a_key_applies_to_what_it_reads_and_to_the_runs_that_it_starts",
    ],
    "a request that overrides the reasoning policy": [
        f"{_REASONING}test_no_request_overrides_a_policy_that_denies_reasoning",
        f"{_POLICY}test_a_request_cannot_override_the_policy",
    ],
    "a secret in pieces, or read from its middle": [
        f"{_REASONING}test_a_secret_in_pieces_reaches_no_reader_on_any_protocol",
        f"{_POLICY}test_a_strict_reader_that_resumes_after_any_event_gets_the_rest_of_the_redacted_text",
        "core/redaction/test_redactor.py::test_a_secret_is_redacted_whatever_pieces_it_arrives_in",
    ],
    "scripts, links, images and control characters in reasoning": [
        "webui/e2e/gallery.test.ts::executes nothing from hostile text, under the server's content security policy",
        "webui/src/components/message/sanitize.test.ts::accepts data URLs of pictures, except for types that can contain scripts",
        "cli/ui/test_hostile_data.py::test_control_characters_in_ids_and_titles_are_shown_and_not_executed",
        "channels/test_hostile_markdown.py::test_no_pattern_backtracks_in_hostile_markdown",
        "channels/platform/test_content.py::test_no_text_changes_the_direction_of_a_chat_or_controls_it",
    ],
    "mentions and commands in a chat": [
        f"{_CHANNEL}test_markup_and_mentions_in_model_text_are_neutral",
        f"{_CHANNEL}test_bots_are_ignored",
    ],
    "frames in a model's text": [
        f"{_REASONING}test_text_of_a_model_forges_no_frame_on_any_protocol",
        "server/streams/test_event_streams.py::test_text_of_a_model_cannot_forge_an_event_or_an_id",
        "server/sockets/chat/test_socket.py::test_a_models_text_is_one_string_whatever_it_contains",
    ],
    "reasoning that a client forges": [
        f"{_REASONING}test_reasoning_that_a_client_forges_never_reaches_the_model",
        "server/protocols/anthropic_messages/test_messages.py::test_signed_reasoning_comes_back_only_for_its_owner_its_model_and_its_text",
        "server/protocols/test_turn_memory.py::test_a_response_of_another_owner_or_to_another_question_is_not_taken_for_it",
        "server/protocols/ai_sdk/test_ai_sdk.py::test_a_forged_history_reaches_neither_the_model_nor_the_conversation",
        "server/protocols/ag_ui/test_ag_ui.py::test_a_forged_history_reaches_neither_the_model_nor_the_conversation",
    ],
    "a result or an approval of a call that was never made": [
        "runtime/test_client_tools.py::test_a_result_for_a_call_that_was_never_returned_is_refused",
        "server/protocols/test_owners.py::test_a_call_of_another_owner_takes_no_result",
        "server/protocols/ag_ui/test_ag_ui.py::test_a_result_for_a_call_that_waits_for_none_is_refused",
    ],
    "a tool call in reasoning": [
        "runtime/test_runs.py::test_a_tool_call_inside_reasoning_is_never_executed",
    ],
    "opaque blocks that a provider refuses, or a client forges": [
        "runtime/test_runs.py::test_a_rejected_opaque_block_is_dropped_once_with_a_notice",
        f"{_REASONING}test_reasoning_that_a_client_forges_never_reaches_the_model",
    ],
    # Files
    "paths that lead outside": [
        f"{_HOSTILE}test_no_path_of_a_message_leads_outside_the_workspace",
        f"{_HOSTILE}test_no_path_of_a_url_leads_to_a_file",
        f"{_WORKSPACE}test_links_special_files_withheld_files_and_missing_ones_look_the_same",
        f"{_WORKSPACE}test_a_file_repeatedly_swapped_for_a_link_never_leads_outside",
        f"{_WORKSPACE}test_a_hard_linked_file_is_visible_only_if_configured",
        "server/web/test_web_page.py::test_no_file_beside_the_bundle_can_be_read",
    ],
    "an upload that names its path, or pretends to be something else": [
        f"{_UPLOAD}test_a_client_cannot_choose_a_path",
        f"{_UPLOAD}test_a_file_that_is_both_page_and_picture_is_served_as_a_picture",
        "server/api/test_kept_uploads.py::test_an_upload_is_served_with_its_type_and_deleted_once",
    ],
    "files that are too large, too many or have wrong names": [
        f"{_UPLOAD}test_a_file_may_have_the_maximum_size_and_not_a_byte_more",
        f"{_UPLOAD}test_an_endless_body_is_refused_while_it_is_read",
        f"{_UPLOAD}test_other_files_than_pictures_and_texts_are_refused",
        "server/api/test_kept_uploads.py::test_a_name_stays_inside_its_header",
    ],
    # URLs
    "URLs of private addresses": [
        f"{_HOSTILE}test_no_url_of_a_message_reaches_a_private_address_on_any_protocol",
        f"{_URLS}test_a_host_that_is_not_public_is_refused_without_a_reason",
        f"{_URLS}test_a_non_canonical_address_is_not_public",
        f"{_FETCH}test_a_redirect_is_checked_like_the_first_url",
        f"{_FETCH}test_a_name_that_changes_its_address_between_two_hops_is_checked_at_each",
        f"{_FETCH}test_an_endless_body_is_read_to_the_limit",
    ],
    "errors that say what is at a private address": [
        f"{_HOSTILE}test_no_url_of_a_message_reaches_a_private_address_on_any_protocol",
        f"{_FETCH}test_all_unreachable_hosts_give_the_same_error",
    ],
    # Load and broken input
    "readers that never read": [
        "server/sockets/chat/test_socket.py::test_a_reader_that_stops_reading_is_dropped_and_delays_no_other",
        "server/sockets/page/test_replay.py::test_a_reader_that_stops_reading_is_dropped_and_delays_no_other",
        "server/streams/test_event_streams.py::test_a_client_that_reads_nothing_is_disconnected_and_its_run_continues",
        "e2e/test_followers.py::test_readers_that_stop_reading_delay_no_other_and_cost_bounded_memory",
    ],
    "malformed requests and frames": [
        f"{_HOSTILE}test_no_body_is_an_error_of_the_server",
        "server/connections/test_hostile_clients.py::test_hostile_heads_and_frames_are_answered_and_affect_no_other_client",
        "server/connections/test_bad_connections.py::test_half_open_connections_are_closed_for_active_ones",
        "server/protocols/test_wrong_types.py::test_a_value_of_a_wrong_type_is_no_error_of_the_server",
    ],
    "a hostile provider": [
        f"{_FAILURES}test_bad_upstreams.py::test_a_broken_stream_fails_the_run_and_keeps_its_output",
        f"{_FAILURES}test_bad_upstreams.py::test_an_endless_stream_is_cut_and_hung_up_on",
        f"{_FAILURES}test_bad_upstreams.py::test_after_all_faults_the_server_still_works",
    ],
    "slow patterns": [
        "core/redaction/test_redactor.py::test_hostile_text_takes_a_bounded_number_of_steps_for_each_character",
        "core/redaction/test_redactor.py::test_a_pattern_that_can_take_exponential_time_is_refused",
        "providers/test_fuzz.py::test_splitting_tags_is_linear",
    ],
    "cursors that were never assigned, or of another run": [
        f"{_HOSTILE}test_a_cursor_that_was_never_assigned_starts_and_shows_nothing",
        "server/streams/test_event_streams.py::test_an_invalid_cursor_is_refused_by_name",
        "server/streams/test_event_streams.py::test_a_cursor_of_another_run_is_refused",
    ],
    "a kill in the middle of a run": [
        f"{_FAILURES}test_kill.py::test_after_kill_9_in_a_stream_nothing_committed_is_lost_and_every_follower_sees_an_end",
    ],
    "stops that race": [
        f"{_FAILURES}test_stop_storm.py::test_a_hundred_concurrent_stops_act_as_one_and_disconnect_the_provider",
        f"{_FAILURES}test_stop_storm.py::test_a_stop_after_the_end_changes_nothing",
        f"{_FAILURES}test_stop_storm.py::test_a_stop_as_the_next_run_starts_never_reaches_it",
    ],
    "two messages at once": [
        f"{_HOSTILE}test_two_messages_at_once_are_answered_one_after_the_other",
        "runtime/runs/test_admission.py::test_one_idempotency_key_sent_many_times_at_once_starts_one_run",
    ],
    "a full disk or a locked database": [
        f"{_FAILURES}test_disk.py::test_a_full_disk_costs_a_follower_nothing_and_is_caught_up_with_once_freed",
        f"{_FAILURES}test_disk.py::test_a_locked_database_stops_no_stream_and_is_caught_up_with",
    ],
    # Secrets and the operator's settings
    "secrets of the operator": [
        f"{_SECRETS}test_no_secret_of_the_operator_is_sent_stored_or_logged",
        "channels/test_secrets_in_errors.py::test_no_token_is_in_an_error_a_check_or_a_log",
        "server/access/test_keys.py::test_no_key_is_ever_logged",
    ],
    "settings and keys as a user": [
        f"{_KEYS}test_a_user_changes_no_setting_and_no_key",
        "server/access/test_keys.py::test_only_admins_manage_keys",
    ],
    "messages of a platform that are forged or repeated": [
        f"{_CHANNEL}test_a_message_that_arrives_twice_is_answered_once",
        "channels/wechat/test_receive.py::test_replayed_messages_renew_no_quota_and_are_not_answered_again",
        f"{_CHANNEL}test_a_stranger_gets_a_code_and_after_approval_an_answer",
    ],
    "strangers in a group": [
        f"{_CHANNEL}test_in_a_group_only_an_allowed_person_who_mentions_the_bot_is_answered",
        "channels/platform/engine/test_access.py::test_a_stranger_can_neither_stop_nor_ask_why_by_button",
        "channels/platform/engine/test_access.py::test_the_edit_of_a_message_without_a_mention_can_add_one",
        "channels/platform/engine/test_reasoning_stays_hidden.py::test_no_stranger_and_no_other_chat_gets_a_thought",
    ],
    "requirements without a hash, and connections while importing": [
        "architecture/test_requirements.py::test_every_pin_has_a_hash",
        f"{_SECRETS}test_importing_connects_to_nothing",
    ],
}
