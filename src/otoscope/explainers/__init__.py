"""Attribution on `score`, its faithfulness, plausibility and reliability."""
