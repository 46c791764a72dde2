"""What an audit finds: data only."""
