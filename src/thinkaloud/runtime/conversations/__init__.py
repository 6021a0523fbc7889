"""Operations on whole conversations: titles, branches, deletion, retention."""
