"""What Supabase says and wants: who calls, what its storage server decides; nothing of ASGI."""
